import type { Entry, Position } from './entry.ts'
import type { Damage } from './storage-error.ts'

/** What a replica must never forget besides its log. Every change is durable before a message that depends on it leaves. */
export interface HardState {
  /** The highest term this replica has seen. */
  readonly term: number
  /** Whom this replica voted for in `term`. */
  readonly votedFor: number | null
  /** The cluster this data belongs to; '' until the replica has met one. */
  readonly clusterId: string
}

/** Who a data directory is. Made once with the directory; `incarnation` counts the starts of a process on it. */
export interface StorageIdentity {
  readonly replicaId: number
  /** Random, made with the directory: a replaced disk is a new identity. */
  readonly disk: string
  /** 1 at the first start; counted up and durable before `open` resolves. */
  readonly incarnation: number
}

/** The state machine up to and including an entry, and the view in effect there. */
export interface SnapshotInfo extends Position {
  /** Payload of the last view entry at or before `index`. */
  readonly view: Uint8Array
  /** Index and term of that view entry. */
  readonly viewPosition: Position
  /** `time` of the entry at `index`. */
  readonly time: number
  readonly bytes: number
}

/** What `open` found. */
export interface StoredState {
  readonly identity: StorageIdentity
  readonly hardState: HardState
  /** Newest whole snapshot, if any. The log holds everything after it (and may hold more). */
  readonly snapshot: SnapshotInfo | null
  /** Position just before the first entry that the log holds; `origin` if it holds everything. */
  readonly before: Position
  /** Where the log ends. */
  readonly last: Position
  /** First index of every term in the log, ascending: `[{index, term}]`. */
  readonly termStarts: readonly Position[]
  /** All view entries in the log, ascending. */
  readonly views: readonly Entry[]
  /** The newest entries, contiguous to `last`, at least one if the log has any, bounded by `tailBytes` of the open options. */
  readonly tail: readonly Entry[]
}

/** One durable step: first the hard state, then the truncation, then the entries. A crash in between leaves a prefix of these. */
export interface PersistBatch {
  readonly hardState?: HardState
  /** Remove every entry with this index or a greater one, before the entries are appended. */
  readonly truncateFrom?: number
  /** Contiguous; the first one follows the log's last entry (after the truncation). */
  readonly entries: readonly Entry[]
}

/** Writes a snapshot beside the present one. Nothing counts until `commit` resolved. */
export interface SnapshotWriter {
  write(chunk: Uint8Array): Promise<void>
  /** Checks, makes durable, renames into place. Afterwards it is the newest snapshot. */
  commit(): Promise<void>
  abort(): Promise<void>
}

/** Entries as another replica of the same cluster holds them. */
export interface EntryCopy {
  /** The cluster of the replica they come from. */
  readonly clusterId: string
  /** Contiguous, ascending. */
  readonly entries: readonly Entry[]
}

/** A snapshot as another replica of the same cluster took it. */
export interface SnapshotCopy {
  /** The cluster of the replica it comes from. */
  readonly clusterId: string
  readonly info: Omit<SnapshotInfo, 'bytes'>
  /** What the state machine wrote, in parts of any size. Read once, and not at all if it is of no use. */
  readonly chunks: AsyncIterable<Uint8Array>
  /** It need not have all that is lost, only more than is left: the end of a log is going to follow it. Default false. */
  readonly asGround?: boolean
}

/**
 * All that another replica of the same cluster has from an entry on. Only where it is proven that this replica can have confirmed nothing that is not there, or before; whoever hands it to the
 * storage has that proof.
 */
export interface LogEndCopy extends EntryCopy {
  /** Index of the first entry, if there is one. */
  readonly from: number
  /** Index of the last entry; less than `from` if there is none. */
  readonly end: number
}

/** With what a storage is mended: with what it still holds itself, by giving up entries that its snapshot has, or with what another replica has. */
export type Remedy = 'directory' | 'snapshot' | EntryCopy | LogEndCopy | SnapshotCopy

/**
 * Where a replica keeps its log. One user at a time; calls of `persist` are done in the order of the calls, and the caller may have
 * several outstanding. An implementation that cannot keep a promise rejects with a `StorageError`; after a rejected
 * `persist` with the code `failed` the storage refuses everything (an fsync that failed is never retried as if it had succeeded).
 */
export interface Storage {
  /** Locks, checks, repairs a torn tail, counts the incarnation up. After a rejection it may be called again. */
  open(options: { readonly tailBytes: number }): Promise<StoredState>
  /**
   * After `open` rejected with `corrupt`, and before it is called again: mends that damage, or resolves to false and leaves all as it was. With 'directory', from what
   * the storage itself still holds; with a copy, whose entries may begin before the damage (one entry before it is needed at times) and end after it; with
   * 'snapshot', by giving up the damaged entries, if a snapshot has them all. A copy's entries are written only if they are proven to be what was there. The copy of
   * a snapshot takes the place of all that it has, if it has what is lost: what a replica has applied was committed, so it is what this log has to agree with. Where nobody can tell
   * how much is lost, the copy of a log's end makes up for it, if it follows something that this log or its snapshot has.
   */
  mend(damage: Damage, using: Remedy): Promise<boolean>
  /**
   * After `open` rejected with `corrupt`, and before it is called again: entries from `from` on that lie before the damage and are whole, for others that are damaged elsewhere; contiguous, at
   * most `maxBytes` but at least one if there is one. They may have been void already: no more than what a replica that takes no part can say. Without this method others get nothing.
   */
  salvage?(from: number, maxBytes: number): Promise<EntryCopy>
  /** Resolves when everything in the batch survives a power cut. Code `full`: nothing was changed, writing may be tried again later. */
  persist(batch: PersistBatch): Promise<void>
  /**
   * Entries from `from` on, contiguous, at least one if it exists, at most `maxBytes` (by `entryBytes`) otherwise. Code `compacted` if `from` is not in
   * the log any more. Sees every `persist` that has resolved.
   */
  read(from: number, maxBytes: number): Promise<Entry[]>
  /** Starts a snapshot. Only one at a time. */
  createSnapshot(info: Omit<SnapshotInfo, 'bytes'>): Promise<SnapshotWriter>
  /** Reads the newest snapshot in order, from `offset` bytes on, in chunks of at most 256 KiB. It stays readable while newer ones are written. */
  readSnapshot(offset: number): AsyncIterable<Uint8Array>
  /**
   * After a snapshot from a peer was committed: replaces the log by nothing, so that it continues after the snapshot. If the log already
   * has the snapshot's position with the same term, the entries after it stay.
   */
  resetToSnapshot(): Promise<void>
  /** Gives up entries up to and including `index`; never beyond the newest snapshot. May keep more. */
  compact(index: number): Promise<void>
  /** Bytes on disk now. */
  size(): number
  /** Waits for what is under way, releases the lock. */
  close(): Promise<void>
}

import type { Position } from './entry.ts'

/** Why a storage did not do what it was asked. A closed set: switch over it. */
export type StorageErrorCode =
  /** Another process, or another user in this process, has the storage open. */
  | 'locked'
  /** The disk or the quota is full. Nothing was changed; the same call may succeed when space is free again. */
  | 'full'
  /** A write or an fsync went wrong: nobody knows what the disk holds now. The storage refuses everything from then on; open it anew. */
  | 'failed'
  /** Something that was durable is not readable any more; `damage` says what. */
  | 'corrupt'
  /** The entries asked for were given up: a snapshot has taken their place. */
  | 'compacted'
  /** A newer version of this software wrote it. Nothing was touched. */
  | 'newer format'
  /** It belongs to another replica. Nothing was touched. */
  | 'other replica'
  /** The disk is mounted read-only, or this user may not write there. Nothing was touched. */
  | 'read-only'
  /** A file is there and may not be read by this user. Nothing was touched. */
  | 'unreadable'
  /** It is closed, or not open yet. */
  | 'closed'
  /** The entries given do not follow the end of the log. */
  | 'gap'
  /** There is no snapshot. */
  | 'no snapshot'
  /** A call that the Storage port does not allow. */
  | 'invalid'

/**
 * The end of the log is lost, and nobody can tell from the storage how much there was. What is missing may have been confirmed: with it a vote may be refused, an entry committed. So the
 * log may go on only with a copy of which it is proven that it has all that this one can have confirmed.
 */
export interface LostEnd {
  /** '' if it has not met one. */
  readonly clusterId: string
  /** What is left of log and snapshot reaches to here. */
  readonly last: Position
  /** No entry of a later term was ever confirmed here. */
  readonly term: number
  /** The newest view entry that was ever confirmed here; `payload` null: it is lost, too. Null: not known. */
  readonly view: (Position & { readonly payload: Uint8Array | null }) | null
}

/** The first damage that was found, for repair from another replica. There may be more behind it. */
export interface Damage {
  /** Name of the file inside the directory; '' if a file is missing or the storage has none. */
  readonly file: string
  /** First and last index whose entries are lost; null: not known, or no entry is. An open end (`to` null) reaches to the end of the log. */
  readonly from: number | null
  readonly to: number | null
  /** The log is whole, but what it follows is not: only a snapshot can make up for it. */
  readonly needsSnapshot?: boolean
  /** What is known of the log from the damage on, in case it has to be given up from there on. */
  readonly end?: LostEnd
}

/** Thrown, or the reason of a rejection, by every storage. The message says what happened, to what, and what to do. */
export class StorageError extends Error {
  override readonly name = 'StorageError'
  readonly code: StorageErrorCode
  /** Only with the code `corrupt`. */
  readonly damage: Damage | null
  constructor(code: StorageErrorCode, message: string, options: { damage?: Damage; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.damage = options.damage ?? null
  }
}

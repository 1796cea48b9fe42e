import { type Entry, entryBytes, type Position } from './entry.ts'
import { countSteps, type MemoryLog } from './memory-log.ts'
import { PersistOrder } from './persist-order.ts'
import type { PersistBatch, Remedy, SnapshotInfo, SnapshotWriter, Storage, StoredState } from './storage.ts'
import { type Damage, StorageError } from './storage-error.ts'

const snapshotChunkBytes = 256 * 1024

/** One thing that waits to become durable. */
interface Flush {
  readonly bytes: number
  readonly steps: number
  /** A file gets its name by this. */
  readonly names: boolean
  /** Takes effect on the disk: all of it, or the first `steps` after a crash. */
  apply(steps: number): void
  resolve(): void
  reject(error: StorageError): void
}

/** How a flush of a virtual disk ends: nothing given means durable. */
export type FlushOutcome = 'full' | 'failed'

/** The disk, as the storage of one process sees it. */
export interface MemoryHome {
  readonly log: MemoryLog
  readonly damaged: Set<number>
  readonly complete: (bytes: number, done: (outcome?: FlushOutcome) => void) => void
  spaceLeft(): number
  start(): StoredState['identity']
  end(): void
}

/** The storage of one process on a `MemoryDisk`. */
export class MemoryStorage implements Storage {
  readonly #home: MemoryHome
  #order: PersistOrder | null = null
  #state: 'new' | 'open' | 'failed' | 'closed' = 'new'
  #waiting: Flush[] = []
  #flushing: Flush[] = []
  #scheduled = false
  #writing = false
  #idle: (() => void)[] = []

  constructor(home: MemoryHome) {
    this.#home = home
  }

  async open(options: { readonly tailBytes: number }): Promise<StoredState> {
    if (this.#state !== 'new') throw new StorageError('invalid', 'a storage is opened once; make another one')
    const { log, damaged } = this.#home
    const first = [...damaged].filter((index) => log.at(index)).sort((a, b) => a - b)[0]
    if (first !== undefined) throw damageError(first)
    const identity = this.#home.start()
    this.#state = 'open'
    const snapshot = log.snapshot?.info
    log.resetToSnapshot()
    this.#order = new PersistOrder(log.before, log.last)
    const termStarts: Position[] = []
    for (const { index, term } of log.entries)
      if (termStarts.at(-1)?.term !== term) termStarts.push({ index, term })
    return {
      identity,
      hardState: log.hardState,
      snapshot: snapshot ?? null,
      before: log.before,
      last: log.last,
      termStarts,
      views: log.entries.filter((entry) => entry.kind === 'view'),
      tail: tailOf(log.entries, options.tailBytes),
    }
  }

  async mend(damage: Damage, using: Remedy): Promise<boolean> {
    if (this.#state !== 'new')
      throw new StorageError('invalid', 'a storage is mended after its opening was refused')
    const { log, damaged } = this.#home
    const { from } = damage
    const lost = from === null || !damaged.has(from) ? undefined : log.at(from)
    // A disk in memory loses single entries, not the end of its log.
    if (!lost || using === 'directory' || (typeof using === 'object' && 'end' in using)) return false
    if (typeof using === 'object' && 'chunks' in using) {
      const { clusterId, info } = using
      if (clusterId !== log.hardState.clusterId || info.index < lost.index || info.term < lost.term)
        return false
      if ((log.snapshot?.info.index ?? 0) >= info.index) return false
      const chunks: Uint8Array[] = []
      for await (const chunk of using.chunks) chunks.push(new Uint8Array(chunk))
      const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
      log.snapshot = { info: { ...info, bytes }, chunks: rechunk(chunks, bytes) }
      log.compact(lost.index)
    } else if (using === 'snapshot') {
      if ((log.snapshot?.info.index ?? 0) < lost.index) return false
      log.compact(lost.index)
    } else if (!using.entries.some((entry) => isSameEntry(entry, lost))) return false
    damaged.delete(lost.index)
    return true
  }

  async persist(batch: PersistBatch): Promise<void> {
    this.#orderOrThrow().accept(batch)
    const { log, damaged } = this.#home
    let bytes = batch.entries.length === 0 && batch.truncateFrom === undefined ? 0 : 64
    for (const entry of batch.entries) bytes += entryBytes(entry)
    await this.#flush(bytes, countSteps(batch), (steps) => {
      log.apply(batch, steps)
      for (const entry of batch.entries) damaged.delete(entry.index)
    })
  }

  async read(from: number, maxBytes: number): Promise<Entry[]> {
    this.#orderOrThrow()
    const { log, damaged } = this.#home
    if (from <= log.before.index)
      throw new StorageError(
        'compacted',
        `entry ${from} was given up: the log begins after entry ${log.before.index}`,
      )
    const found: Entry[] = []
    let bytes = 0
    for (let index = from; index <= log.last.index; index++) {
      const entry = log.at(index)
      if (!entry) break
      bytes += entryBytes(entry)
      if (found.length > 0 && bytes > maxBytes) break
      if (damaged.has(index)) {
        if (found.length > 0) break
        throw damageError(index)
      }
      found.push(entry)
    }
    return found
  }

  async createSnapshot(info: Omit<SnapshotInfo, 'bytes'>): Promise<SnapshotWriter> {
    this.#orderOrThrow()
    if (this.#writing)
      throw new StorageError('invalid', 'a snapshot is being written: commit or abort it first')
    const newest = this.#home.log.snapshot?.info
    if (newest && newest.index > info.index) {
      throw new StorageError(
        'invalid',
        `a snapshot at entry ${newest.index} exists: one at entry ${info.index} would be older`,
      )
    }
    this.#writing = true
    const chunks: Uint8Array[] = []
    let bytes = 0
    let over = false
    const writable = (): void => {
      this.#orderOrThrow()
      if (over) throw new StorageError('invalid', 'the snapshot was committed or aborted')
    }
    return {
      write: async (chunk) => {
        writable()
        if (this.#home.spaceLeft() < bytes + chunk.length) {
          throw new StorageError(
            'full',
            `no space for ${chunk.length} more bytes of the snapshot at entry ${info.index}`,
          )
        }
        chunks.push(new Uint8Array(chunk))
        bytes += chunk.length
      },
      commit: async () => {
        writable()
        over = true
        this.#writing = false
        const { log } = this.#home
        const whole = { info: { ...info, bytes }, chunks: rechunk(chunks, bytes) }
        await this.#flush(
          0,
          1,
          (steps) => {
            if (steps > 0) log.snapshot = whole
          },
          true,
        )
      },
      abort: async () => {
        if (!over) this.#writing = false
        over = true
      },
    }
  }

  async *readSnapshot(offset: number): AsyncIterable<Uint8Array> {
    this.#orderOrThrow()
    const snapshot = this.#home.log.snapshot
    if (!snapshot) throw new StorageError('no snapshot', 'there is no snapshot to read')
    let position = 0
    for (const chunk of snapshot.chunks) {
      const skip = Math.max(0, offset - position)
      position += chunk.length
      if (skip < chunk.length) yield chunk.subarray(skip)
      this.#orderOrThrow()
    }
  }

  async resetToSnapshot(): Promise<void> {
    const order = this.#orderOrThrow()
    const { log } = this.#home
    await this.#flush(0, 1, (steps) => {
      const before = log.before
      if (steps > 0) log.resetToSnapshot()
      if (log.before !== before) order.reset(log.before)
    })
  }

  async compact(index: number): Promise<void> {
    const order = this.#orderOrThrow()
    const { log } = this.#home
    await this.#flush(0, 0, () => {
      log.compact(index)
      order.compacted(log.before.index)
    })
  }

  size(): number {
    return this.#home.log.bytes
  }

  async close(): Promise<void> {
    if (this.#state === 'open') {
      while (this.#waiting.length + this.#flushing.length > 0) {
        await new Promise<void>((resolve) => this.#idle.push(resolve))
      }
    }
    this.#state = 'closed'
    this.#home.end()
  }

  endWithoutNotice(keep: (steps: number) => number, keepName?: () => boolean): void {
    const inOrder = this.#flushing.filter(({ names }) => !names || keepName === undefined)
    const steps = inOrder.reduce((sum, flush) => sum + flush.steps, 0)
    let left = Math.max(0, Math.min(steps, Math.trunc(keep(steps))))
    for (const flush of this.#flushing) {
      if (keepName !== undefined && flush.names) {
        flush.apply(keepName() ? flush.steps : 0)
        continue
      }
      flush.apply(Math.min(left, flush.steps))
      left -= Math.min(left, flush.steps)
    }
    this.#state = 'closed'
    this.#waiting = []
    this.#flushing = []
  }

  #orderOrThrow(): PersistOrder {
    if (this.#state === 'failed')
      throw new StorageError(
        'failed',
        'a flush of this disk failed: nothing can be trusted until it is opened anew',
      )
    if (this.#state !== 'open' || !this.#order) throw new StorageError('closed', 'the storage is not open')
    return this.#order
  }

  #flush(bytes: number, steps: number, apply: (steps: number) => void, names = false): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes, steps, names, apply, resolve, reject })
      this.#schedule()
    })
  }

  /** Calls of one turn are flushed as one group, and so are those that arrive while a group is under way. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    void Promise.resolve().then(() => this.#flushGroup())
  }

  #flushGroup(): void {
    if (this.#state !== 'open') return
    const group = this.#waiting
    if (group.length === 0) {
      this.#scheduled = false
      for (const resolve of this.#idle.splice(0)) resolve()
      return
    }
    this.#waiting = []
    this.#flushing = group
    const bytes = group.reduce((sum, flush) => sum + flush.bytes, 0)
    let called = false
    const done = (outcome?: FlushOutcome): void => {
      if (called || this.#flushing !== group || this.#state !== 'open') return
      called = true
      this.#flushing = []
      if (outcome === 'failed') this.#fail(group)
      else if (outcome === 'full' || (bytes > 0 && bytes > this.#home.spaceLeft())) this.#refuse(group)
      else {
        for (const flush of group) {
          flush.apply(flush.steps)
          flush.resolve()
        }
      }
      void Promise.resolve().then(() => this.#flushGroup())
    }
    this.#home.complete(bytes, done)
  }

  /** What takes space is refused, together with everything queued that was to follow it; the rest takes effect. */
  #refuse(group: readonly Flush[]): void {
    const queued = this.#waiting
    this.#waiting = queued.filter((flush) => flush.bytes === 0)
    this.#order?.revert(this.#home.log.last)
    for (const flush of [...group, ...queued.filter((each) => each.bytes > 0)]) {
      if (flush.bytes > 0) flush.reject(new StorageError('full', 'no space left for more entries'))
      else {
        flush.apply(flush.steps)
        flush.resolve()
      }
    }
  }

  #fail(group: readonly Flush[]): void {
    this.#state = 'failed'
    for (const flush of [...group, ...this.#waiting.splice(0)]) {
      flush.reject(new StorageError('failed', 'the flush failed: what the disk holds of it is unknown'))
    }
    for (const resolve of this.#idle.splice(0)) resolve()
  }
}

/** The newest entries that fit, at least one. */
function tailOf(entries: readonly Entry[], maxBytes: number): Entry[] {
  let start = entries.length
  let bytes = 0
  for (let next = entries.at(-1); next; next = entries[start - 1]) {
    bytes += entryBytes(next)
    if (bytes > maxBytes && start < entries.length) break
    start--
  }
  return entries.slice(start)
}

/** What a checksum of the original would tell. */
function isSameEntry(a: Entry, b: Entry): boolean {
  return (
    a.index === b.index &&
    a.term === b.term &&
    a.time === b.time &&
    a.kind === b.kind &&
    a.payload.length === b.payload.length &&
    a.payload.every((byte, at) => byte === b.payload[at])
  )
}

function rechunk(parts: readonly Uint8Array[], bytes: number): Uint8Array[] {
  const whole = new Uint8Array(bytes)
  let position = 0
  for (const part of parts) {
    whole.set(part, position)
    position += part.length
  }
  const chunks: Uint8Array[] = []
  for (let at = 0; at < bytes; at += snapshotChunkBytes)
    chunks.push(whole.subarray(at, at + snapshotChunkBytes))
  return chunks
}

function damageError(index: number): StorageError {
  return new StorageError('corrupt', `entry ${index} is damaged: fetch it from another replica`, {
    damage: { file: '', from: index, to: index },
  })
}

import { type Entry, entryBytes, origin, type Position } from './entry.ts'
import type { HardState, PersistBatch, SnapshotInfo } from './storage.ts'

/** A snapshot on a virtual disk. */
export interface MemorySnapshot {
  readonly info: SnapshotInfo
  readonly chunks: readonly Uint8Array[]
}

/** What a virtual disk holds for certain. */
export class MemoryLog {
  hardState: HardState = { term: 0, votedFor: null, clusterId: '' }
  before: Position = origin
  entries: Entry[] = []
  snapshot: MemorySnapshot | null = null
  #entriesBytes = 0

  get last(): Position {
    const entry = this.entries.at(-1)
    return entry ? { index: entry.index, term: entry.term } : this.before
  }

  get bytes(): number {
    return this.#entriesBytes + (this.snapshot?.info.bytes ?? 0)
  }

  at(index: number): Entry | undefined {
    return this.entries[index - this.before.index - 1]
  }

  /** Does the first `steps` of: the hard state, the truncation, each entry. */
  apply(batch: PersistBatch, steps: number = countSteps(batch)): void {
    let left = steps
    if (batch.hardState && left-- > 0) this.hardState = batch.hardState
    if (batch.truncateFrom !== undefined && left-- > 0) this.#truncate(batch.truncateFrom)
    for (const entry of batch.entries) {
      if (left-- <= 0) return
      this.entries.push(entry)
      this.#entriesBytes += entryBytes(entry)
    }
  }

  /** The log is empty and goes on after the snapshot, unless it holds the snapshot's position already. */
  resetToSnapshot(): void {
    const to = this.snapshot?.info
    if (!to || this.termAt(to.index) === to.term) return
    this.entries = []
    this.#entriesBytes = 0
    this.before = { index: to.index, term: to.term }
  }

  compact(index: number): void {
    const upTo = Math.min(index, this.snapshot?.info.index ?? 0, this.last.index)
    const entry = this.at(upTo)
    if (!entry) return
    const given = this.entries.slice(0, upTo - this.before.index)
    this.entries = this.entries.slice(given.length)
    for (const each of given) this.#entriesBytes -= entryBytes(each)
    this.before = { index: entry.index, term: entry.term }
  }

  termAt(index: number): number | undefined {
    return index === this.before.index ? this.before.term : this.at(index)?.term
  }

  #truncate(from: number): void {
    const keep = Math.max(0, from - 1 - this.before.index)
    for (const entry of this.entries.slice(keep)) this.#entriesBytes -= entryBytes(entry)
    this.entries.length = Math.min(this.entries.length, keep)
  }
}

/** The steps of a batch that a crash may come between. */
export function countSteps(batch: PersistBatch): number {
  return (batch.hardState ? 1 : 0) + (batch.truncateFrom === undefined ? 0 : 1) + batch.entries.length
}

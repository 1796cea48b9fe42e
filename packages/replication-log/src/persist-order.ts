import type { Position } from './entry.ts'
import type { PersistBatch } from './storage.ts'
import { StorageError } from './storage-error.ts'

/**
 * Decides whether a batch may be persisted where the log will end once everything before it is done. Every storage
 * asks it before it touches anything, so that a mistake of the caller never reaches a disk.
 */
export class PersistOrder {
  #before: number
  #last: number
  /** Lower bound for the next entry's term. */
  #term: number
  /** Entries up to here were refused as `full`: what was meant to follow them is refused likewise. */
  #refusedThrough = 0

  constructor(before: Position, last: Position) {
    this.#before = before.index
    this.#last = last.index
    this.#term = last.term
  }

  /** Where the log will end. */
  get last(): number {
    return this.#last
  }

  /** Throws a `StorageError` if the batch cannot follow; otherwise counts it as done. */
  accept(batch: PersistBatch): void {
    const { truncateFrom, entries } = batch
    let last = this.#last
    let term = this.#term
    if (truncateFrom !== undefined && truncateFrom <= last) {
      if (truncateFrom <= this.#before) {
        throw new StorageError(
          'compacted',
          `cannot truncate the log from entry ${truncateFrom}: it begins after entry ${this.#before}`,
        )
      }
      last = truncateFrom - 1
      term = 0
    }
    for (const entry of entries) {
      if (entry.index !== last + 1) throw this.#gap(entry.index, last)
      if (entry.term < term) {
        throw new StorageError(
          'gap',
          `entry ${entry.index} has term ${entry.term}, less than term ${term} of the entry before it`,
        )
      }
      last = entry.index
      term = entry.term
    }
    this.#last = last
    this.#term = term
  }

  /** The log ends here after all: what was accepted beyond has been refused as `full`. */
  revert(last: Position): void {
    this.#refusedThrough = Math.max(this.#refusedThrough, this.#last)
    this.#last = last.index
    this.#term = last.term
  }

  /** Entries up to and including `index` were given up. */
  compacted(index: number): void {
    this.#before = Math.max(this.#before, index)
  }

  /** The log is empty and goes on after this position. */
  reset(position: Position): void {
    this.#before = position.index
    this.#last = position.index
    this.#term = position.term
  }

  #gap(index: number, last: number): StorageError {
    if (index > last && index <= this.#refusedThrough + 1) {
      return new StorageError(
        'full',
        `entry ${index} was to follow entries that found no space; the log ends at ${last}`,
      )
    }
    return new StorageError('gap', `entry ${index} does not follow entry ${last}, where the log ends`)
  }
}

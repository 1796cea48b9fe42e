import { origin, type Position } from '../entry.ts'
import type { BatchExtent } from './batch.ts'

/** A run of whole batches in one segment; `index` is the first entry that is to be read there. It ends where the next run's `index` begins. */
export interface Run {
  readonly index: number
  readonly segment: number
  readonly offset: number
  readonly end: number
}

/** A run grows to about this many bytes: what has to be read to find an entry. */
const runBytes = 64 * 1024

/** Where the log begins and ends, which terms it has, and where to look for an entry. Holds a few numbers per 64 KiB of log. */
export class LogIndex {
  #before: Position = origin
  #last: Position = origin
  #termStarts: Position[] = []
  #runs: Run[] = []

  get before(): Position {
    return this.#before
  }

  get last(): Position {
    return this.#last
  }

  get termStarts(): readonly Position[] {
    return this.#termStarts
  }

  get runs(): readonly Run[] {
    return this.#runs
  }

  /** A batch begins: what the log held from its first entry on is void; with `reset`, all of it. */
  startBatch(extent: BatchExtent, segment: number, previousTerm: number, reset: boolean): void {
    const { first, offset, end } = extent
    let extendable = true
    if (reset || this.#runs.length === 0 || first <= this.#before.index) {
      this.#before = { index: first - 1, term: previousTerm }
      this.#last = this.#before
      this.#termStarts = []
      this.#runs = []
    } else if (first <= this.#last.index) {
      this.#truncate(first, previousTerm)
      // A run that has void entries at its end is not continued: readers would meet them.
      extendable = false
    }
    const run = this.#runs.at(-1)
    if (extendable && run && run.segment === segment && run.end === offset && end - run.offset <= runBytes) {
      this.#runs[this.#runs.length - 1] = { index: run.index, segment, offset: run.offset, end }
    } else {
      this.#runs.push({ index: first, segment, offset, end })
    }
  }

  addEntry(index: number, term: number): void {
    if (this.#termStarts.at(-1)?.term !== term) this.#termStarts.push({ index, term })
    this.#last = { index, term }
  }

  /** The entries of a batch at once, as `addEntry` for each. */
  addEntries(entries: readonly Position[]): void {
    let last = this.#termStarts.at(-1)?.term
    for (const { index, term } of entries) {
      if (term === last) continue
      this.#termStarts.push({ index, term })
      last = term
    }
    const end = entries.at(-1)
    if (end) this.#last = { index: end.index, term: end.term }
  }

  termAt(index: number): number | undefined {
    if (index === this.#before.index) return this.#before.term
    if (index < this.#before.index || index > this.#last.index) return undefined
    return this.#termStarts.findLast((start) => start.index <= index)?.term
  }

  /** Number of the run that holds an entry, -1 if none does. */
  findRun(index: number): number {
    if (index <= this.#before.index || index > this.#last.index) return -1
    let low = 0
    let high = this.#runs.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((this.#runs[middle]?.index ?? 0) <= index) low = middle
      else high = middle
    }
    return low
  }

  /**
   * The first segment that has to stay when entries up to and including `index` are given up. At least one batch stays, since the log's beginning is read from it.
   */
  firstSegmentAfter(index: number): number {
    return this.#runs.findLast((run) => run.index <= index + 1)?.segment ?? 0
  }

  /** Entries in segments before `segment` are gone. */
  dropBefore(segment: number): void {
    const kept = this.#runs.findIndex((run) => run.segment >= segment)
    const first = this.#runs[kept]
    if (kept <= 0 || !first) return
    const starts = this.#termStarts.filter((start) => start.index > first.index)
    const term = this.termAt(first.index)
    const index = first.index - 1
    this.#before = { index, term: this.termAt(index) ?? this.#before.term }
    this.#termStarts = term === undefined ? starts : [{ index: first.index, term }, ...starts]
    this.#runs = this.#runs.slice(kept)
  }

  #truncate(from: number, previousTerm: number): void {
    while (this.#runs.length > 0 && (this.#runs.at(-1)?.index ?? 0) >= from) this.#runs.pop()
    while (this.#termStarts.length > 0 && (this.#termStarts.at(-1)?.index ?? 0) >= from)
      this.#termStarts.pop()
    this.#last = { index: from - 1, term: previousTerm }
  }
}

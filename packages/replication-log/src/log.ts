import { comparePositions, type Entry, entryBytes, origin, type Position } from './entry.ts'

/** What a log begins with: what `Storage.open` found, or nothing. */
export interface LogStart {
  /** Position just before the first entry that storage holds. */
  readonly before: Position
  readonly last: Position
  readonly termStarts: readonly Position[]
  /** Newest entries, contiguous to `last`. */
  readonly tail: readonly Entry[]
}

/**
 * The replicated log as a replica sees it: terms of all entries, the newest entries themselves, how far they are durable.
 *
 * It holds the rules of appending, matching and truncating (Raft §5.3); it does no I/O. Older entries are dropped from memory by `trim` and
 * stay in the storage: `slice` then answers null and the owner reads them from there. Memory: the kept entries, and one pair of numbers per term.
 */
export class ReplicatedLog {
  #before: Position
  #last: Position
  /** First index of each term, ascending; the first one may lie before the log's first entry. */
  #termStarts: Position[]
  #entries: Entry[]
  /** Entries of `#entries` that were trimmed away and are still in the array. */
  #dropped = 0
  #bytes = 0
  #durable: number

  constructor(start: LogStart = { before: origin, last: origin, termStarts: [], tail: [] }) {
    this.#before = start.before
    this.#last = start.last
    this.#termStarts = [...start.termStarts]
    this.#entries = [...start.tail]
    for (const entry of start.tail) this.#bytes += entryBytes(entry)
    this.#durable = start.last.index
    const tailLast = start.tail.at(-1)
    if (
      tailLast !== undefined &&
      (tailLast.index !== start.last.index || tailLast.term !== start.last.term)
    ) {
      throw new RangeError(`log: the tail ends at ${tailLast.index}, the log at ${start.last.index}`)
    }
  }

  /** Just before the first entry that this log still has, in memory or in storage. */
  get before(): Position {
    return this.#before
  }

  get last(): Position {
    return this.#last
  }

  /** Every entry up to here survives a power cut. */
  get durable(): number {
    return this.#durable
  }

  /** Bytes of the entries in memory. */
  get cachedBytes(): number {
    return this.#bytes
  }

  /** Index of the first entry in memory; `last.index + 1` if none is. */
  get cachedFrom(): number {
    return this.#last.index - (this.#entries.length - this.#dropped) + 1
  }

  /** Term of the entry at `index`; undefined if the log does not reach to it or no longer has it. */
  termAt(index: number): number | undefined {
    if (index === this.#before.index) return this.#before.term
    if (index < this.#before.index || index > this.#last.index) return undefined
    let low = 0
    let high = this.#termStarts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      const start = this.#termStarts[middle]
      if (start !== undefined && start.index <= index) low = middle
      else high = middle - 1
    }
    return this.#termStarts[low]?.term
  }

  /** Whether the log has exactly this entry (and therefore, by log matching, everything before it). */
  has(position: Position): boolean {
    return this.termAt(position.index) === position.term
  }

  /** Whether a log that ends at `other` has everything that counts for an election against this one (Raft §5.4.1). */
  isAtMost(other: Position): boolean {
    return comparePositions(this.#last, other) <= 0
  }

  /** The entry at `index` if it is in memory. */
  entryAt(index: number): Entry | undefined {
    const at = index - this.cachedFrom
    return at < 0 ? undefined : this.#entries[at + this.#dropped]
  }

  /**
   * Entries from `from` on: at least one if there is one, otherwise at most `maxBytes`. Null: they are no longer in memory.
   * `from` beyond the end gives none.
   */
  slice(from: number, maxBytes: number): Entry[] | null {
    if (from > this.#last.index) return []
    const start = from - this.cachedFrom
    if (start < 0) return null
    const found: Entry[] = []
    let bytes = 0
    for (let at = start + this.#dropped; at < this.#entries.length; at++) {
      const entry = this.#entries[at]
      if (entry === undefined) break
      bytes += entryBytes(entry)
      if (bytes > maxBytes && found.length > 0) break
      found.push(entry)
    }
    return found
  }

  /** Adds entries at the end. They must be contiguous and of terms that do not decrease. */
  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.index !== this.#last.index + 1 || entry.term < this.#last.term) {
        throw new RangeError(
          `log: entry ${entry.index} of term ${entry.term} does not follow ${this.#last.index} of term ${this.#last.term}`,
        )
      }
      const newest = this.#termStarts.at(-1)
      if (newest === undefined || newest.term !== entry.term)
        this.#termStarts.push({ index: entry.index, term: entry.term })
      this.#entries.push(entry)
      this.#bytes += entryBytes(entry)
      this.#last = entry
    }
  }

  /** Removes every entry with this index or a greater one. */
  truncateFrom(index: number): void {
    if (index <= this.#before.index)
      throw new RangeError(`log: cannot remove ${index}, the log begins after ${this.#before.index}`)
    if (index > this.#last.index) return
    const term = this.termAt(index - 1)
    if (term === undefined) throw new RangeError(`log: no term for ${index - 1}`)
    const cachedFrom = this.cachedFrom
    const keep = Math.max(0, index - cachedFrom)
    for (const entry of this.#entries.splice(this.#dropped + keep)) this.#bytes -= entryBytes(entry)
    while ((this.#termStarts.at(-1)?.index ?? 0) >= index) this.#termStarts.pop()
    this.#last = { index: index - 1, term }
    this.#durable = Math.min(this.#durable, index - 1)
    if (index < cachedFrom) this.#dropAll()
  }

  /**
   * What of a leader's entries after `previous` is new here (Raft §5.3, receiver rules 3 and 4): the index from which this log has to be
   * truncated, or null, and the entries to append. Undefined if this log does not have `previous`.
   */
  reconcile(
    previous: Position,
    entries: readonly Entry[],
  ): { truncateFrom: number | null; append: readonly Entry[] } | undefined {
    if (previous.index < this.#before.index) {
      // All of that is in the snapshot already; look only at what comes after it.
      const skip = this.#before.index - previous.index
      if (entries.length < skip) return { truncateFrom: null, append: [] }
      return this.reconcile(this.#before, entries.slice(skip))
    }
    if (!this.has(previous)) return undefined
    let at = 0
    for (const entry of entries) {
      const term = this.termAt(entry.index)
      if (term === undefined) break
      if (term !== entry.term) return { truncateFrom: entry.index, append: entries.slice(at) }
      at++
    }
    return { truncateFrom: null, append: at === 0 ? entries : entries.slice(at) }
  }

  /**
   * The newest position at which this log may agree with one that has `theirs` (and nothing else known): skips whole terms
   * (Raft §5.3, the optimisation of nextIndex).
   */
  agreementHint(theirs: Position): Position {
    let index = Math.min(theirs.index, this.#last.index)
    while (index > this.#before.index) {
      const term = this.termAt(index)
      if (term === undefined || term <= theirs.term) break
      const start = this.#startOfTerm(term)
      index = Math.max(this.#before.index, start - 1)
    }
    return { index, term: this.termAt(index) ?? 0 }
  }

  /** Everything up to here survives a power cut. Never goes back, except by truncation. */
  markDurable(index: number): void {
    this.#durable = Math.max(this.#durable, Math.min(index, this.#last.index))
  }

  /** Drops the oldest entries in memory until at most `maxBytes` stay, but none after `upTo`. */
  trim(maxBytes: number, upTo: number): void {
    while (this.#bytes > maxBytes && this.#dropped < this.#entries.length) {
      const oldest = this.#entries[this.#dropped]
      if (oldest === undefined || oldest.index > upTo || oldest.index > this.#durable) break
      this.#bytes -= entryBytes(oldest)
      this.#dropped++
    }
    // Give the array's front back only now and then: each time costs a copy of the rest.
    if (this.#dropped * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#dropped)
      this.#dropped = 0
    }
  }

  /** The storage no longer has entries up to and including `index`: forget them here too. */
  compactTo(index: number): void {
    if (index <= this.#before.index) return
    const term = this.termAt(index)
    if (term === undefined)
      throw new RangeError(`log: cannot compact to ${index}, the log ends at ${this.#last.index}`)
    while (this.#dropped < this.#entries.length) {
      const oldest = this.#entries[this.#dropped]
      if (oldest === undefined || oldest.index > index) break
      this.#bytes -= entryBytes(oldest)
      this.#dropped++
    }
    this.#before = { index, term }
    while (this.#termStarts.length > 1 && (this.#termStarts[1]?.index ?? 0) <= index + 1)
      this.#termStarts.shift()
  }

  /** A snapshot replaced the log (Raft §7): if the log has its position, what follows stays; else nothing does. */
  resetTo(snapshot: Position): void {
    if (this.has(snapshot)) {
      this.compactTo(snapshot.index)
      return
    }
    this.#dropAll()
    this.#termStarts = []
    this.#before = { index: snapshot.index, term: snapshot.term }
    this.#last = this.#before
    this.#durable = snapshot.index
  }

  #startOfTerm(term: number): number {
    for (let at = this.#termStarts.length - 1; at >= 0; at--) {
      const start = this.#termStarts[at]
      if (start?.term === term) return start.index
    }
    return this.#before.index + 1
  }

  #dropAll(): void {
    this.#entries = []
    this.#dropped = 0
    this.#bytes = 0
  }
}

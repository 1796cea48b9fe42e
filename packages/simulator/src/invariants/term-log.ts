import type { PersistBatch, StoredState } from '@chatroom/replication-log'

/** The terms of a log's entries: the watcher's own picture of it, made without the code under test. */
export class TermLog {
  /** Index just before the first entry of `#terms`. */
  #before = 0
  #beforeTerm = 0
  #terms: number[] = []

  static of(stored: StoredState): TermLog {
    const log = new TermLog()
    log.#before = stored.before.index
    log.#beforeTerm = stored.before.term
    let at = 0
    for (let index = stored.before.index + 1; index <= stored.last.index; index++) {
      while ((stored.termStarts[at + 1]?.index ?? Number.POSITIVE_INFINITY) <= index) at++
      log.#terms.push(stored.termStarts[at]?.term ?? 0)
    }
    return log
  }

  get last(): number {
    return this.#before + this.#terms.length
  }

  get lastTerm(): number {
    return this.#terms.at(-1) ?? this.#beforeTerm
  }

  /** Undefined: beyond the end, or given up behind a snapshot. */
  termAt(index: number): number | undefined {
    return index === this.#before ? this.#beforeTerm : this.#terms[index - this.#before - 1]
  }

  /** Whether it has this entry, or a snapshot that must contain it. */
  holds(index: number, term: number): boolean {
    return index < this.#before || this.termAt(index) === term
  }

  write(batch: PersistBatch): void {
    if (batch.truncateFrom !== undefined)
      this.#terms.length = Math.max(0, Math.min(this.#terms.length, batch.truncateFrom - this.#before - 1))
    for (const { index, term } of batch.entries) {
      // What is written twice is compared elsewhere; here the log just ends with it.
      this.#terms.length = Math.max(0, index - this.#before - 1)
      this.#terms.push(term)
    }
  }

  resetTo(index: number, term: number): void {
    if (this.termAt(index) === term) return
    this.#before = index
    this.#beforeTerm = term
    this.#terms = []
  }

  compact(index: number): void {
    const term = this.termAt(index)
    if (term === undefined || index <= this.#before) return
    this.#terms = this.#terms.slice(index - this.#before)
    this.#before = index
    this.#beforeTerm = term
  }
}

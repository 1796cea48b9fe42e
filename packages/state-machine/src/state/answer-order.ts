/** Something that stands in an `AnswerOrder`, which keeps both fields. */
export interface Answered<T> {
  older: T | null
  newer: T | null
}

/** The sessions that remember replies, in the order of their newest replies: a list linked through the sessions, so that every change costs O(1). */
export class AnswerOrder<T extends Answered<T>> {
  #oldest: T | null = null
  #newest: T | null = null

  get oldest(): T | null {
    return this.#oldest
  }

  /** Puts the item, which may be in the list or not, at the newest end. */
  answered(item: T): void {
    if (this.#newest === item) return
    this.remove(item)
    item.older = this.#newest
    if (this.#newest === null) this.#oldest = item
    else this.#newest.newer = item
    this.#newest = item
  }

  /** Does nothing if the item is not in the list. */
  remove(item: T): void {
    if (item.older !== null) item.older.newer = item.newer
    else if (this.#oldest === item) this.#oldest = item.newer
    if (item.newer !== null) item.newer.older = item.older
    else if (this.#newest === item) this.#newest = item.older
    item.older = null
    item.newer = null
  }
}

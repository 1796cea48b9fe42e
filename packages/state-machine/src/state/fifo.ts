/** A range of a `Fifo` as it was at one moment; later changes of the `Fifo` do not show. */
export interface FifoImage<T> {
  /** Number of the oldest item. */
  readonly first: number
  /** Number that the next item would have got. */
  readonly next: number
  at(number: number): T | undefined
}

/** Items kept behind the oldest before they are given up, so that giving up costs little per item. */
const slack = 16

/**
 * Items in the order of their arrival, numbered without gaps, removed from the oldest on. Adding and removing cost O(1) (amortised), an item costs one
 * reference.
 *
 * The array behind it only ever grows at its end; to free what was removed, it is replaced. So an image is a reference and two numbers, taken in O(1).
 */
export class Fifo<T> {
  #items: T[] = []
  /** Number of `#items[0]`. */
  #base: number
  #first: number

  constructor(first = 1) {
    this.#base = first
    this.#first = first
  }

  /** Number of the oldest item; equal to `next` if there is none. */
  get first(): number {
    return this.#first
  }

  get next(): number {
    return this.#base + this.#items.length
  }

  get size(): number {
    return this.next - this.#first
  }

  get oldest(): T | undefined {
    return this.at(this.#first)
  }

  /** Returns the item's number. */
  push(item: T): number {
    // A literal takes room for one; the first push to an empty array takes room for 17.
    if (this.#items.length === 0) this.#items = [item]
    else this.#items.push(item)
    return this.next - 1
  }

  at(number: number): T | undefined {
    return number < this.#first ? undefined : this.#items[number - this.#base]
  }

  /** Removes the items before this number. */
  dropBefore(number: number): void {
    this.#first = Math.max(this.#first, Math.min(number, this.next))
    if (this.#first - this.#base >= slack + (this.size >> 2) || this.size === 0) this.compact()
  }

  /** Frees the memory of removed items now. Costs O(size). */
  compact(): void {
    if (this.#first === this.#base) return
    this.#items = this.#items.slice(this.#first - this.#base)
    this.#base = this.#first
  }

  image(): FifoImage<T> {
    const items = this.#items
    const base = this.#base
    const first = this.#first
    const next = this.next
    return {
      first,
      next,
      at: (number) => (number < first || number >= next ? undefined : items[number - base]),
    }
  }
}

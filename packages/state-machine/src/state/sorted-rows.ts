import type { Address } from './arena.ts'

/** Rows in one chunk before it is split. */
const chunkRows = 512

/**
 * Rows of an arena in the order of a key. Chunks of a few hundred make adding and removing cheap (O(log n) to find the place, a short move to make room) and a row
 * cost one number.
 */
export class SortedRows<K> {
  readonly #compare: (address: Address, key: K) => number
  /** Sorted, none empty; the last row of one comes before the first of the next. */
  readonly #chunks: Address[][] = []

  /** `compare`: less than 0 if the row comes before the key, 0 if the key is its own. */
  constructor(compare: (address: Address, key: K) => number) {
    this.#compare = compare
  }

  /** No row may have the key. */
  add(key: K, address: Address): void {
    if (this.#addLast(key, address)) return
    const at = this.#chunkOf(key)
    const chunk = this.#chunks[at] ?? []
    chunk.splice(this.#placeIn(chunk, key), 0, address)
    if (chunk.length > chunkRows) this.#chunks.splice(at + 1, 0, chunk.splice(chunkRows >> 1))
  }

  /** Adds a row that comes after all others, as those of a snapshot do: without a search, and without half-empty chunks. */
  #addLast(key: K, address: Address): boolean {
    const chunk = this.#chunks.at(-1)
    const last = chunk?.at(-1)
    if (chunk !== undefined && last !== undefined && this.#compare(last, key) > 0) return false
    if (chunk !== undefined && chunk.length < chunkRows) chunk.push(address)
    else this.#chunks.push([address])
    return true
  }

  /** Removes the row of this key, which must be there. */
  remove(key: K): void {
    const at = this.#chunkOf(key)
    const chunk = this.#chunks[at] ?? []
    chunk.splice(this.#placeIn(chunk, key), 1)
    const following = this.#chunks[at + 1]
    if (chunk.length === 0) {
      this.#chunks.splice(at, 1)
    } else if (following !== undefined && chunk.length + following.length <= chunkRows >> 1) {
      chunk.push(...following)
      this.#chunks.splice(at + 1, 1)
    }
  }

  /** The rows whose keys do not come before this one, in order. No row may be added or removed meanwhile; the key may change. */
  *from(key: K): Generator<Address, void, void> {
    let at = this.#chunkOf(key)
    let place = this.#placeIn(this.#chunks[at] ?? [], key)
    for (let chunk = this.#chunks[at]; chunk !== undefined; chunk = this.#chunks[++at]) {
      yield* place === 0 ? chunk : chunk.slice(place)
      place = 0
    }
  }

  /** The last chunk whose first row does not come after the key, or the first one. */
  #chunkOf(key: K): number {
    let low = 0
    let high = this.#chunks.length
    while (low < high) {
      const middle = (low + high) >> 1
      const first = this.#chunks[middle]?.[0] ?? 0
      if (this.#compare(first, key) <= 0) low = middle + 1
      else high = middle
    }
    return Math.max(0, low - 1)
  }

  /** Where the row of the key is or would be. */
  #placeIn(rows: readonly Address[], key: K): number {
    let low = 0
    let high = rows.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#compare(rows[middle] ?? 0, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

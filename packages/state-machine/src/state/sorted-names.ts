import { compareByCodePoint } from '../text/code-point-order.ts'

/** Names in one chunk before it is split. */
const chunkNames = 512

/**
 * Names in the order of their code points. Chunks of a few hundred make adding and removing cheap (O(log n) to find the place, a short move to make room)
 * and a name cost one reference.
 */
export class SortedNames {
  /** Sorted, none empty; the last name of one is less than the first of the next. */
  readonly #chunks: string[][] = []

  add(name: string): void {
    // The chunk whose first name is not greater, or the first one.
    const at = Math.max(0, this.#firstChunkAfter(name) - 1)
    const chunk = this.#chunks[at]
    if (chunk === undefined) {
      this.#chunks.push([name])
      return
    }
    const place = placeOf(chunk, name)
    if (chunk[place] === name) return
    chunk.splice(place, 0, name)
    if (chunk.length > chunkNames) this.#chunks.splice(at + 1, 0, chunk.splice(chunkNames >> 1))
  }

  delete(name: string): void {
    const at = this.#firstChunkAfter(name) - 1
    const chunk = this.#chunks[at]
    if (chunk === undefined) return
    const place = placeOf(chunk, name)
    if (chunk[place] !== name) return
    chunk.splice(place, 1)
    const following = this.#chunks[at + 1]
    if (chunk.length === 0) {
      this.#chunks.splice(at, 1)
    } else if (following !== undefined && chunk.length + following.length <= chunkNames >> 1) {
      chunk.push(...following)
      this.#chunks.splice(at + 1, 1)
    }
  }

  /** All names not less than this one, in order. The names may not change meanwhile. */
  *from(name: string): Generator<string, void, void> {
    let at = Math.max(0, this.#firstChunkAfter(name) - 1)
    let place = placeOf(this.#chunks[at] ?? [], name)
    for (let chunk = this.#chunks[at]; chunk !== undefined; chunk = this.#chunks[++at]) {
      for (; place < chunk.length; place++) yield chunk[place] ?? ''
      place = 0
    }
  }

  /** How many chunks begin with a name that is not greater than this one. */
  #firstChunkAfter(name: string): number {
    let low = 0
    let high = this.#chunks.length
    while (low < high) {
      const middle = (low + high) >> 1
      const first = this.#chunks[middle]?.[0] ?? ''
      if (compareByCodePoint(first, name) <= 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Where the name is or would be in a sorted array. */
function placeOf(names: readonly string[], name: string): number {
  let low = 0
  let high = names.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareByCodePoint(names[middle] ?? '', name) < 0) low = middle + 1
    else high = middle
  }
  return low
}

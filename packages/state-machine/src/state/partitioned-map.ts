const partitions = 256

/**
 * A map that never stops the world to grow. One `Map` of a million keys is rebuilt in one go when it doubles, which takes 50 to 450 ms; here each of
 * 256 parts doubles by itself.
 */
export class PartitionedMap<K, V> {
  /** Each made when it gets its first key: a chat of a few accounts should not cost thousands of maps. */
  readonly #parts: (Map<K, V> | undefined)[] = []
  readonly #spread: (key: K) => number
  #size = 0

  /** `spread`: any 32-bit integer that depends on the key alone and differs between keys in its low bits. */
  constructor(spread: (key: K) => number) {
    this.#spread = spread
  }

  get size(): number {
    return this.#size
  }

  get(key: K): V | undefined {
    return this.#parts[this.#partOf(key)]?.get(key)
  }

  set(key: K, value: V): void {
    const at = this.#partOf(key)
    let part = this.#parts[at]
    if (part === undefined) {
      part = new Map()
      this.#parts[at] = part
    }
    const before = part.size
    part.set(key, value)
    this.#size += part.size - before
  }

  delete(key: K): void {
    if (this.#parts[this.#partOf(key)]?.delete(key) === true) this.#size--
  }

  /** In no particular order. May be drawn out while the map changes: what is in it all the while comes exactly once, what is added may come. */
  *values(): Generator<V, void, void> {
    for (const part of this.#parts) if (part !== undefined) yield* part.values()
  }

  #partOf(key: K): number {
    return this.#spread(key) & (partitions - 1)
  }
}

/** For keys that are indexes of the log. */
export function spreadIndex(index: number): number {
  return index & 0xff
}

/** For keys that are texts. */
export function spreadText(text: string): number {
  let bits = text.length
  for (let i = 0; i < text.length; i++) bits = Math.imul(bits, 31) + text.charCodeAt(i)
  return bits ^ (bits >>> 8) ^ (bits >>> 16)
}

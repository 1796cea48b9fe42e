const partitions = 256

/**
 * A map that never stops the world to grow. One `Map` of a million keys is rebuilt in one go when it doubles, which takes 50 to 450 ms; here each of
 * 256 parts doubles by itself.
 */
export class PartitionedMap<K, V> {
  readonly #parts: readonly Map<K, V>[]
  readonly #partOf: (key: K) => number
  #size = 0

  /** `spread`: any 32-bit integer that depends on the key alone and differs between keys in its low bits. */
  constructor(spread: (key: K) => number) {
    this.#partOf = spread
    this.#parts = Array.from({ length: partitions }, () => new Map<K, V>())
  }

  get size(): number {
    return this.#size
  }

  get(key: K): V | undefined {
    return this.#part(key)?.get(key)
  }

  set(key: K, value: V): void {
    const part = this.#part(key)
    if (part === undefined) return
    const before = part.size
    part.set(key, value)
    this.#size += part.size - before
  }

  delete(key: K): void {
    if (this.#part(key)?.delete(key) === true) this.#size--
  }

  /** In no particular order. May be drawn out while the map changes: what is in it all the while comes exactly once, what is added may come. */
  *values(): Generator<V, void, void> {
    for (const part of this.#parts) yield* part.values()
  }

  #part(key: K): Map<K, V> | undefined {
    return this.#parts[this.#partOf(key) & (partitions - 1)]
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

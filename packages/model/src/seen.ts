/** Numbers that were seen, in one flat table: 8 bytes each, at most two thirds full. Fingerprints of 53 bits. */
export class Seen {
  #slots = new Float64Array(1 << 12)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** True if the number is new. */
  add(fingerprint: number): boolean {
    if (this.#size * 3 > this.#slots.length * 2) this.#grow()
    const at = find(this.#slots, fingerprint)
    if (this.#slots[at] === fingerprint) return false
    this.#slots[at] = fingerprint
    this.#size++
    return true
  }

  #grow(): void {
    const larger = new Float64Array(this.#slots.length * 2)
    for (const fingerprint of this.#slots)
      if (fingerprint !== 0) larger[find(larger, fingerprint)] = fingerprint
    this.#slots = larger
  }
}

function find(slots: Float64Array, fingerprint: number): number {
  const mask = slots.length - 1
  let at = (fingerprint ^ Math.floor(fingerprint / 0x1_0000_0000)) & mask
  while (slots[at] !== 0 && slots[at] !== fingerprint) at = (at + 1) & mask
  return at
}

/** 53 bits from a list of small integers, never 0. Two states that share one are taken for the same; with ten million states that happens once in 180 runs. */
export function fingerprint(words: Int32Array, length: number): number {
  let a = 0x811c9dc5
  let b = 0x1b873593
  for (let at = 0; at < length; at++) {
    const word = words[at] ?? 0
    a = Math.imul(a ^ word, 0x01000193)
    a = (a << 7) | (a >>> 25)
    b = Math.imul(b ^ word, 0x85ebca6b)
    b = (b << 13) | (b >>> 19)
  }
  a = Math.imul(a ^ (a >>> 16), 0x7feb352d)
  b = Math.imul(b ^ (b >>> 15), 0xc2b2ae35)
  a ^= a >>> 15
  b ^= b >>> 13
  return (a >>> 0) * 0x20_0000 + ((b >>> 0) & 0x1f_ffff) || 1
}

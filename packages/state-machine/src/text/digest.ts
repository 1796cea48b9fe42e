/**
 * A 64-bit hash of a sequence of texts and numbers, the same on every machine. It tells replicas and requests apart that differ by accident; it is no
 * defence against somebody who looks for collisions.
 *
 * Two lanes of multiply and rotate over 16-bit units, and the finalizer of MurmurHash3 (Appleby, public domain) at the end.
 */
export class Digest {
  #a = 0x2545f491
  #b = 0x1b873593

  /** Begins anew, after all that the other one was told. */
  beginAs(other: Digest): this {
    this.#a = other.#a
    this.#b = other.#b
    return this
  }

  /** A non-negative safe integer. */
  number(value: number): this {
    this.#mix(value & 0xffff)
    this.#mix((value >>> 16) & 0xffff)
    const high = Math.floor(value / 0x1_0000_0000)
    this.#mix(high & 0xffff)
    this.#mix(high >>> 16)
    return this
  }

  text(value: string): this {
    // The length first, so that no two sequences of texts read the same.
    this.number(value.length)
    let a = this.#a
    let b = this.#b
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i)
      a = Math.imul(a ^ unit, 0x9e3779b1)
      a = (a << 13) | (a >>> 19)
      b = Math.imul(b + unit, 0x85ebca77)
      b = (b << 17) | (b >>> 15)
    }
    this.#a = a
    this.#b = b
    return this
  }

  /** As `text`, for one of ASCII that lies in these bytes. False if it is none: then the digest has to begin anew. */
  ascii(bytes: Uint8Array, from: number, end: number): boolean {
    this.number(end - from)
    let a = this.#a
    let b = this.#b
    let all = 0
    for (let at = from; at < end; at++) {
      const unit = bytes[at] ?? 0
      all |= unit
      a = Math.imul(a ^ unit, 0x9e3779b1)
      a = (a << 13) | (a >>> 19)
      b = Math.imul(b + unit, 0x85ebca77)
      b = (b << 17) | (b >>> 15)
    }
    this.#a = a
    this.#b = b
    return all < 0x80
  }

  #mix(unit: number): void {
    const a = Math.imul(this.#a ^ unit, 0x9e3779b1)
    this.#a = (a << 13) | (a >>> 19)
    const b = Math.imul(this.#b + unit, 0x85ebca77)
    this.#b = (b << 17) | (b >>> 15)
  }

  /** 53 bits of the hash: a non-negative safe integer. */
  toNumber(): number {
    return (this.#high() & 0x1f_ffff) * 0x1_0000_0000 + this.#low()
  }

  /** 16 hexadecimal digits. */
  toString(): string {
    return this.#high().toString(16).padStart(8, '0') + this.#low().toString(16).padStart(8, '0')
  }

  #high(): number {
    return avalanche(this.#a ^ Math.imul(this.#b, 0x27d4eb2f))
  }

  #low(): number {
    return avalanche(this.#b ^ Math.imul(this.#a, 0x165667b1))
  }
}

function avalanche(bits: number): number {
  let mixed = bits ^ (bits >>> 16)
  mixed = Math.imul(mixed, 0x85ebca6b)
  mixed ^= mixed >>> 13
  mixed = Math.imul(mixed, 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

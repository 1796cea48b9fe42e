import { putVarint, varintBytes, varintLength } from '../codec/varint.ts'

const firstBytes = 64 * 1_024
/** Bytes up to so many are copied one by one: the view that a call to the engine needs costs more. */
const shortBytes = 128

/**
 * Fields of a protobuf message, in the order in which they are put, encoded as the generated code does: what is 0 or empty is left out. Used again and again, so that putting a million
 * messages together makes no garbage. A tag is the number of a field, up to 15, times 8, and 2 more for what has a length.
 */
export class FieldBuffer {
  #bytes = new Uint8Array(firstBytes)
  #length = 0
  /** What `framed` gave. */
  #frame = new Uint8Array(firstBytes)

  get length(): number {
    return this.#length
  }

  clear(): void {
    this.#length = 0
  }

  number(tag: number, value: number): void {
    if (value === 0) return
    this.#reserve(1 + varintBytes)
    this.#bytes[this.#length] = tag
    this.#length = putVarint(this.#bytes, this.#length + 1, value)
  }

  /** A text in UTF-8. */
  text(tag: number, source: Uint8Array, at: number, length: number): void {
    if (length > 0) this.#part(tag, source, at, length)
  }

  /** A message, which is there also if it is empty. */
  message(tag: number, fields: FieldBuffer): void {
    this.#part(tag, fields.#bytes, 0, fields.#length)
  }

  /** A message with nothing but these fields as its field of this tag, with its length before it. It is good until the next call: memory outside of V8's heap makes V8 collect all the sooner. */
  framed(tag: number): Uint8Array {
    const head = 1 + varintLength(this.#length)
    const bytes = varintLength(head + this.#length) + head + this.#length
    if (bytes > this.#frame.length) this.#frame = new Uint8Array(2 * bytes)
    const whole = this.#frame
    let at = putVarint(whole, 0, head + this.#length)
    whole[at] = tag
    at = putVarint(whole, at + 1, this.#length)
    whole.set(this.#bytes.subarray(0, this.#length), at)
    return whole.subarray(0, bytes)
  }

  #part(tag: number, source: Uint8Array, at: number, length: number): void {
    this.#reserve(1 + varintBytes + length)
    const bytes = this.#bytes
    bytes[this.#length] = tag
    const begin = putVarint(bytes, this.#length + 1, length)
    if (length > shortBytes) bytes.set(source.subarray(at, at + length), begin)
    else for (let i = 0; i < length; i++) bytes[begin + i] = source[at + i] ?? 0
    this.#length = begin + length
  }

  #reserve(bytes: number): void {
    const wanted = this.#length + bytes
    if (wanted <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(wanted, 2 * this.#bytes.length))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}

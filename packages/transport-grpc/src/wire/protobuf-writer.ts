// Imported: the global one is a getter, which is called for each message.
import { Buffer } from 'node:buffer'

/** Texts of up to so many units may be written unit by unit. Less than 128, so that the length takes one byte. */
const shortText = 24
/** Bytes that are copied one by one at most. */
const shortCopy = 16

/**
 * Writes the protobuf encoding (https://protobuf.dev/programming-guides/encoding) into one buffer, with numbers up to 2^53 - 1 and without
 * objects in between: what two replicas say to each other under load is mostly entries, and each would cost several otherwise. Fields have to
 * be written in ascending order; then the bytes equal those of the generated encoders (a test holds them together).
 */
export class ProtobufWriter {
  #buffer: Buffer
  #at: number
  /** Of each embedded message that is open, two numbers: where its length is to stand, and the bytes left for that. */
  readonly #open: number[] = []

  /** `capacity`: bytes expected; more are taken when needed. `headroom`: bytes left free at the front for the caller. */
  constructor(capacity: number, headroom: number) {
    this.#buffer = Buffer.allocUnsafe(capacity + headroom)
    this.#at = headroom
  }

  /** Headroom and everything written. The writer must not be used afterwards. */
  finish(): Buffer {
    return this.#buffer.subarray(0, this.#at)
  }

  /** Headroom and everything written so far: good until something else is written. */
  get written(): Uint8Array {
    return this.#buffer.subarray(0, this.#at)
  }

  /** Forgets everything, in a writer without headroom that was never finished. */
  restart(): void {
    this.#at = 0
    this.#open.length = 0
  }

  /** Fields that were encoded before. */
  encoded(fields: Uint8Array): void {
    this.#ensure(fields.length)
    this.#buffer.set(fields, this.#at)
    this.#at += fields.length
  }

  /** A number with implicit presence: 0 is not written. */
  uint(field: number, value: number): void {
    if (value !== 0) this.presentUint(field, value)
  }

  /** A number that is written even if it is 0. */
  presentUint(field: number, value: number): void {
    this.#ensure(15)
    this.#varint(field << 3)
    this.#varint(value)
  }

  bool(field: number, value: boolean): void {
    if (value) this.presentUint(field, 1)
  }

  text(field: number, value: string): void {
    if (value !== '') this.presentText(field, value)
  }

  /** A text that is written even if it is empty. */
  presentText(field: number, value: string): void {
    if (value.length <= shortText && this.#shortAscii(field, value)) return
    const length = Buffer.byteLength(value)
    this.#ensure(length + 10)
    this.#varint((field << 3) | 2)
    this.#varint(length)
    this.#at += this.#buffer.write(value, this.#at)
  }

  /** Writes a text unit by unit, which for a short one costs less than the calls out of JavaScript; false if it is not ASCII. */
  #shortAscii(field: number, value: string): boolean {
    this.#ensure(value.length + 10)
    const start = this.#at
    this.#varint((field << 3) | 2)
    const buffer = this.#buffer
    let at = this.#at
    buffer[at++] = value.length
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i)
      if (unit > 0x7f) {
        this.#at = start
        return false
      }
      buffer[at++] = unit
    }
    this.#at = at
    return true
  }

  /** A number as a text, in decimal; also if it is 0. Costs less than to make the text. */
  decimal(field: number, value: number): void {
    let digits = 1
    for (let beyond = 10; beyond <= value; beyond *= 10) digits++
    this.#ensure(digits + 10)
    this.#varint((field << 3) | 2)
    this.#varint(digits)
    const buffer = this.#buffer
    const begin = this.#at
    let at = begin + digits
    let rest = value
    // Whole numbers of 32 bits are divided several times as fast.
    while (rest > 0x7fffffff) {
      const tenth = Math.floor(rest / 10)
      buffer[--at] = 0x30 + (rest - 10 * tenth)
      rest = tenth
    }
    for (let small = rest | 0; at > begin; small = (small / 10) | 0) buffer[--at] = 0x30 + (small % 10)
    this.#at += digits
  }

  /** A text that lies in `source` at `from`, in UTF-8. */
  utf8(field: number, source: Uint8Array, from: number, length: number): void {
    if (length === 0) return
    this.#ensure(length + 10)
    this.#varint((field << 3) | 2)
    this.#varint(length)
    // A short text costs less byte by byte than by a view of it.
    if (length <= shortCopy) copyBytes(source, from, this.#buffer, this.#at, length)
    else this.#buffer.set(new Uint8Array(source.buffer, source.byteOffset + from, length), this.#at)
    this.#at += length
  }

  bytes(field: number, value: Uint8Array): void {
    if (value.length > 0) this.presentBytes(field, value)
  }

  /** Bytes, or an embedded message, that are written even if there are none. */
  presentBytes(field: number, value: Uint8Array): void {
    this.#ensure(value.length + 10)
    this.#varint((field << 3) | 2)
    this.#varint(value.length)
    this.#buffer.set(value, this.#at)
    this.#at += value.length
  }

  /** Begins an embedded message, of about so many bytes. */
  open(field: number, expectedBytes = 0): void {
    const room = varintBytes(expectedBytes)
    this.#ensure(5 + room)
    this.#varint((field << 3) | 2)
    this.#open.push(this.#at, room)
    this.#at += room
  }

  /** Ends the embedded message that was begun last: puts its length before it, moving it when the length takes another room than was left for it. */
  close(): void {
    const room = this.#open.pop()
    const at = this.#open.pop()
    if (at === undefined || room === undefined) throw new Error('no message is open')
    const start = at + room
    const length = this.#at - start
    const extra = varintBytes(length) - room
    if (extra !== 0) {
      if (extra > 0) this.#ensure(extra)
      this.#buffer.copyWithin(start + extra, start, start + length)
    }
    this.#at = at
    this.#varint(length)
    this.#at += length
  }

  #varint(value: number): void {
    const buffer = this.#buffer
    let rest = value
    let at = this.#at
    // Bit operations are for 32 bits only: of what has more, 28 at once are split off.
    if (rest > 0x7fffffff) {
      const high = Math.floor(rest / 0x1000_0000)
      const low = rest - high * 0x1000_0000
      buffer[at++] = low | 0x80
      buffer[at++] = (low >>> 7) | 0x80
      buffer[at++] = (low >>> 14) | 0x80
      buffer[at++] = (low >>> 21) | 0x80
      rest = high
    }
    while (rest > 0x7f) {
      buffer[at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    buffer[at++] = rest
    this.#at = at
  }

  #ensure(bytes: number): void {
    const needed = this.#at + bytes
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#buffer.length))
    this.#buffer.copy(larger, 0, 0, this.#at)
    this.#buffer = larger
  }
}

function copyBytes(source: Uint8Array, from: number, target: Uint8Array, at: number, length: number): void {
  for (let i = 0; i < length; i++) target[at + i] = source[from + i] ?? 0
}

function varintBytes(value: number): number {
  let bytes = 1
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes += 1
  return bytes
}

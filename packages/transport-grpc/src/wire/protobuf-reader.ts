// Imported: the global one is a getter, which is called for each message.
import { Buffer, isUtf8 } from 'node:buffer'
import { TransportError } from '../errors.ts'
import { shortAsciiAt } from './short-texts.ts'

type Utf8Slice = (this: Uint8Array, from: number, end: number) => string | undefined

/** What `toString` comes to, without its look at the encoding, which is a tenth of the time to read a message. Node has it, but does not document it. */
const found: unknown = Reflect.get(Buffer.alloc(0), 'utf8Slice')
const utf8Slice: Utf8Slice = isUtf8Slice(found) ? found : () => undefined

function isUtf8Slice(value: unknown): value is Utf8Slice {
  return typeof value === 'function'
}

/**
 * Reads the protobuf encoding with numbers up to 2^53 - 1. It trusts nothing: whatever does not fit throws a `TransportError` `malformed message`.
 * Bytes fields are views of the input.
 */
export class ProtobufReader {
  readonly #bytes: Buffer
  /** Where they lie: each look at `buffer` and `byteOffset` costs the V8 of Node 20 as much as the view that is made of them. */
  readonly #memory: ArrayBufferLike
  readonly #offset: number
  #at = 0
  /** End of the message that is being read. */
  #end: number

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#memory = bytes.buffer
    this.#offset = bytes.byteOffset
    this.#end = bytes.length
  }

  /** Field number times 8 plus wire type of the next field of the message being read, or 0 at its end. */
  tag(): number {
    if (this.#at === this.#end) return 0
    const tag = this.uint()
    if (tag < 8 || tag > 0xffffffff) throw malformed(`a field with the tag ${tag}`)
    return tag
  }

  uint(): number {
    const first = this.#byte()
    return first < 0x80 ? first : this.#longUint(first & 0x7f)
  }

  /** A number of more than one byte. `value`: of its first one. */
  #longUint(value: number): number {
    let small = value
    // Bit operations are for 32 bits only.
    for (let shift = 7; shift < 28; shift += 7) {
      const byte = this.#byte()
      small |= (byte & 0x7f) << shift
      if (byte < 0x80) return small
    }
    let large = small
    let factor = 2 ** 28
    for (let i = 4; i < 10; i += 1) {
      const byte = this.#byte()
      large += (byte & 0x7f) * factor
      if (byte < 0x80) {
        if (large > Number.MAX_SAFE_INTEGER) throw malformed('a number beyond 2^53 - 1')
        return large
      }
      factor *= 0x80
    }
    throw malformed('a number of more than ten bytes')
  }

  bool(): boolean {
    return this.uint() !== 0
  }

  bytes(): Uint8Array {
    const length = this.#length()
    const start = this.#at
    this.#at += length
    // Less than half of what `subarray` costs.
    return new Uint8Array(this.#memory, this.#offset + start, length)
  }

  text(): string {
    const length = this.#length()
    const start = this.#at
    this.#at += length
    const short = shortAsciiAt(this.#bytes, start, length)
    if (short !== undefined) return short
    const bytes = this.#bytes
    const text = utf8Slice.call(bytes, start, this.#at) ?? bytes.toString('utf8', start, this.#at)
    // What is no UTF-8 has become this character without a word; it may also stand there rightly.
    if (text.includes('\ufffd')) requireUtf8(this.#bytes.subarray(start, this.#at))
    return text
  }

  /** Goes into an embedded message. Returns what `leave` wants. */
  enter(): number {
    const length = this.#length()
    const outer = this.#end
    this.#end = this.#at + length
    return outer
  }

  /** Leaves an embedded message that was read to its end. */
  leave(outer: number): void {
    this.#end = outer
  }

  /** Passes over a field that this version does not know. */
  skip(tag: number): void {
    switch (tag & 7) {
      case 0:
        this.uint()
        return
      case 1:
        this.#advance(8)
        return
      case 2:
        this.#advance(this.#length())
        return
      case 5:
        this.#advance(4)
        return
      default:
        throw malformed(`a field of the wire type ${tag & 7}`)
    }
  }

  #length(): number {
    const length = this.uint()
    if (length > this.#end - this.#at) throw malformed('a field that is longer than its message')
    return length
  }

  #advance(bytes: number): void {
    if (bytes > this.#end - this.#at) throw malformed('a field that is longer than its message')
    this.#at += bytes
  }

  #byte(): number {
    const byte = this.#at < this.#end ? this.#bytes[this.#at] : undefined
    if (byte === undefined) throw malformed('a message that ends too early')
    this.#at += 1
    return byte
  }
}

function requireUtf8(bytes: Uint8Array): void {
  if (!isUtf8(bytes)) throw malformed('a text that is not UTF-8')
}

export function malformed(what: string, cause?: unknown): TransportError {
  return new TransportError('malformed message', `Not a message between replicas: ${what}.`, { cause })
}

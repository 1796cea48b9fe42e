import { headBytes, unreserved } from './frames.ts'
import { ConnectionError, defaultFrameSize, errorCode } from './protocol.ts'

const empty = Buffer.alloc(0)
/** What an answer of HTTP/1 begins with (RFC 9112 §4). */
const http1 = 'HTTP/1.'

/** A frame, whose content is in the memory of what the network brought. False: no more are wanted. */
export type TakeFrame = (type: number, flags: number, stream: number, content: Buffer) => boolean

/** Cuts what comes into frames. It keeps no more than one frame that is not whole. */
export class FrameSplitter {
  readonly #take: TakeFrame
  /** What is to come before the frames. */
  #expected: Buffer
  /** The beginning of a frame that ended within its head. */
  #rest: Buffer = empty
  /** The frame that is not whole, once its head is, and how much of it has come. */
  #frame: Buffer | null = null
  #filled = 0

  /** `expected`: what comes before the frames. */
  constructor(expected: Buffer, take: TakeFrame) {
    this.#expected = expected
    this.#take = take
  }

  /** Throws a `ConnectionError`, after which nothing can be made of the connection. */
  push(chunk: Buffer): void {
    let at = this.#expected.length === 0 ? 0 : this.#skipExpected(chunk)
    if (this.#frame !== null) {
      const copied = chunk.copy(this.#frame, this.#filled, at)
      at += copied
      this.#filled += copied
      if (this.#filled < this.#frame.length) return
      const frame = this.#frame
      this.#frame = null
      if (!this.#takeAt(frame, 0, frame.length)) return
    }
    let bytes = chunk
    if (this.#rest.length > 0) {
      bytes = Buffer.concat([this.#rest, chunk.subarray(at)])
      this.#rest = empty
      at = 0
    }
    while (at + headBytes <= bytes.length) {
      const end = at + headBytes + lengthAt(bytes, at)
      if (end > bytes.length) {
        this.#frame = Buffer.allocUnsafeSlow(end - at)
        this.#filled = bytes.copy(this.#frame, 0, at)
        return
      }
      if (!this.#takeAt(bytes, at, end)) return
      at = end
    }
    // A copy: the chunk may be much longer than what is left of it, and its end may be long in coming.
    if (at < bytes.length) this.#rest = Buffer.from(bytes.subarray(at))
  }

  /** @returns where the frames begin */
  #skipExpected(chunk: Buffer): number {
    const length = Math.min(chunk.length, this.#expected.length)
    if (!chunk.subarray(0, length).equals(this.#expected.subarray(0, length)))
      throw new ConnectionError(errorCode.protocolError, 'The connection does not begin as HTTP/2 does.')
    this.#expected = this.#expected.subarray(length)
    return length
  }

  #takeAt(bytes: Buffer, at: number, end: number): boolean {
    const stream = (((bytes[at + 5] ?? 0) << 24) | numberOf3(bytes, at + 6)) & unreserved
    return this.#take(bytes[at + 3] ?? 0, bytes[at + 4] ?? 0, stream, bytes.subarray(at + headBytes, end))
  }
}

function lengthAt(bytes: Buffer, at: number): number {
  const length = numberOf3(bytes, at)
  if (length <= defaultFrameSize) return length
  // Read as a length, its letters give 4,740,180, from which nobody would guess the cause.
  if (bytes.toString('latin1', at, at + http1.length) === http1)
    throw new ConnectionError(errorCode.protocolError, 'The other end speaks HTTP/1, not HTTP/2.')
  throw new ConnectionError(
    errorCode.frameSizeError,
    `A frame of ${length} bytes, where at most ${defaultFrameSize} are allowed.`,
  )
}

/** Big-endian, of three bytes that are there. Not by the calls of `Buffer`, which cost three times as much. */
function numberOf3(bytes: Buffer, at: number): number {
  return ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
}

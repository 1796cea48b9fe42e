// Imported: the global one is a getter, which is called for each message.
import { Buffer } from 'node:buffer'
import { headBytes } from '../http2/frames.ts'

/** Before each gRPC message: one byte that says whether it is compressed, four of length (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). */
export const prefixBytes = 5

/** Free bytes at the front of a message that is to be sent without a copy: for the head of its frame, and its prefix. */
export const roomBytes: number = headBytes + prefixBytes

/** Fills in the prefix of a message that was written with room for it. `at`: where the prefix stands. */
export function fillPrefix(buffer: Buffer, at = 0): Buffer {
  buffer[at] = 0
  buffer.writeUInt32BE(buffer.length - at - prefixBytes, at + 1)
  return buffer
}

/** A copy of a message, with its prefix and room for the head of its frame before it. */
export function sendable(message: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(roomBytes + message.length)
  bytes.set(message, roomBytes)
  return fillPrefix(bytes, headBytes)
}

/** A message with its prefix before it. */
export function framed(message: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(prefixBytes + message.length)
  message.copy(bytes, prefixBytes)
  return fillPrefix(bytes)
}

/** Of a message that is not whole; more is taken once so much of it has come, bytes. */
const firstPart = 16_384

/** Why nothing can be made of a stream any more. */
export class FramingError extends Error {
  override readonly name = 'FramingError'
  readonly fault: 'compressed' | 'too long'

  constructor(fault: FramingError['fault'], message: string) {
    super(message)
    this.fault = fault
  }
}

/** Cuts a stream of bytes into gRPC messages. It keeps no more than the one message that is not whole yet. */
export class MessageSplitter {
  #maxBytes: number
  /** Made when a piece ends within one. */
  #prefix: Buffer | null = null
  #prefixFilled = 0
  /** The message that is not whole yet, once its prefix is, or its first part; the length of all of it, and what has come. */
  #message: Buffer | null = null
  #messageLength = 0
  #messageFilled = 0

  /** `maxBytes`: a longer message is malformed. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Nothing has come of a message that is not whole. */
  get isBetweenMessages(): boolean {
    return this.#message === null && this.#prefixFilled === 0
  }

  /** Of what comes from here on. */
  set maxBytes(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The messages that are whole now, without their prefixes, in the memory of `chunk` unless they came in parts. Throws a `FramingError`, after which nothing can be made of the stream. */
  push(chunk: Buffer): Buffer[] {
    const messages: Buffer[] = []
    let at = 0
    while (at < chunk.length) {
      if (this.#message !== null) {
        const taken = chunk.copy(this.#message, this.#messageFilled, at)
        this.#messageFilled += taken
        at += taken
        if (this.#messageFilled < this.#message.length) break
        if (this.#messageFilled < this.#messageLength) {
          const whole = Buffer.allocUnsafeSlow(this.#messageLength)
          this.#message.copy(whole)
          this.#message = whole
          continue
        }
        messages.push(this.#message)
        this.#message = null
      } else {
        let length: number
        if (this.#prefixFilled === 0 && chunk.length - at >= prefixBytes) {
          length = this.#lengthIn(chunk, at)
          at += prefixBytes
        } else {
          this.#prefix ??= Buffer.alloc(prefixBytes)
          const taken = chunk.copy(this.#prefix, this.#prefixFilled, at)
          this.#prefixFilled += taken
          at += taken
          if (this.#prefixFilled < prefixBytes) break
          this.#prefixFilled = 0
          length = this.#lengthIn(this.#prefix, 0)
        }
        if (chunk.length - at >= length) {
          messages.push(chunk.subarray(at, at + length))
          at += length
        } else {
          this.#message = Buffer.allocUnsafeSlow(Math.min(length, firstPart))
          this.#messageLength = length
          this.#messageFilled = 0
        }
      }
    }
    return messages
  }

  #lengthIn(bytes: Buffer, at: number): number {
    if (bytes[at] !== 0)
      throw new FramingError(
        'compressed',
        'A compressed message: none is taken here, call without compression.',
      )
    const length = bytes.readUInt32BE(at + 1)
    if (length > this.#maxBytes)
      throw new FramingError(
        'too long',
        `A message of ${length} bytes, where at most ${this.#maxBytes} are allowed.`,
      )
    return length
  }
}

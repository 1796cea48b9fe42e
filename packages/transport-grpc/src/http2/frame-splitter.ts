import { headBytes, unreserved } from './frames.ts'
import { ConnectionError, defaultFrameSize, errorCode } from './protocol.ts'

/** A frame, whose content is in the memory of what the network brought. False: no more are wanted. */
export type TakeFrame = (type: number, flags: number, stream: number, content: Buffer) => boolean

/** Cuts what comes into frames. It keeps no more than one frame that is not whole. */
export class FrameSplitter {
  readonly #take: TakeFrame
  /** What is to come before the frames. */
  #expected: Buffer
  #rest: Buffer | null = null

  /** `expected`: what comes before the frames. */
  constructor(expected: Buffer, take: TakeFrame) {
    this.#expected = expected
    this.#take = take
  }

  /** Throws a `ConnectionError`, after which nothing can be made of the connection. */
  push(chunk: Buffer): void {
    const bytes = this.#rest === null ? chunk : Buffer.concat([this.#rest, chunk])
    this.#rest = null
    let at = 0
    if (this.#expected.length > 0) {
      at = Math.min(bytes.length, this.#expected.length)
      if (!bytes.subarray(0, at).equals(this.#expected.subarray(0, at)))
        throw new ConnectionError(errorCode.protocolError, 'The connection does not begin as HTTP/2 does.')
      this.#expected = this.#expected.subarray(at)
    }
    while (at + headBytes <= bytes.length) {
      const length = bytes.readUIntBE(at, 3)
      if (length > defaultFrameSize)
        throw new ConnectionError(
          errorCode.frameSizeError,
          `A frame of ${length} bytes, where at most ${defaultFrameSize} are allowed.`,
        )
      const start = at + headBytes
      const end = start + length
      if (end > bytes.length) break
      const stream = bytes.readUInt32BE(at + 5) & unreserved
      if (!this.#take(bytes[at + 3] ?? 0, bytes[at + 4] ?? 0, stream, bytes.subarray(start, end))) return
      at = end
    }
    // A copy: the chunk may be much longer than what is left of it, and its end may be long in coming.
    if (at < bytes.length) this.#rest = Buffer.from(bytes.subarray(at))
  }
}

import { headBytes, unreserved } from './frames.ts'
import { ConnectionError, defaultFrameSize, errorCode, preface } from './protocol.ts'

/** A frame, whose content is in the memory of what the network brought. False: no more are wanted. */
export type TakeFrame = (type: number, flags: number, stream: number, content: Buffer) => boolean

/** Cuts what a client sends into frames, behind the preface. It keeps no more than one frame that is not whole. */
export class FrameSplitter {
  readonly #take: TakeFrame
  #isGreeted = false
  #rest: Buffer | null = null

  constructor(take: TakeFrame) {
    this.#take = take
  }

  /** Throws a `ConnectionError`, after which nothing can be made of the connection. */
  push(chunk: Buffer): void {
    const bytes = this.#rest === null ? chunk : Buffer.concat([this.#rest, chunk])
    this.#rest = null
    let at = 0
    if (!this.#isGreeted) {
      const greeting = bytes.subarray(0, preface.length)
      if (!greeting.equals(preface.subarray(0, greeting.length)))
        throw new ConnectionError(errorCode.protocolError, 'The connection does not begin as HTTP/2 does.')
      if (greeting.length < preface.length) {
        this.#rest = Buffer.from(bytes)
        return
      }
      this.#isGreeted = true
      at = preface.length
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

import { malformed } from './protobuf-reader.ts'

/** Before each gRPC message: one byte that says whether it is compressed, four of length (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md). */
export const prefixBytes = 5

/** Fills in the prefix of a message that was written with room for it. */
export function fillPrefix(buffer: Buffer): Buffer {
  buffer[0] = 0
  buffer.writeUInt32BE(buffer.length - prefixBytes, 1)
  return buffer
}

/** Cuts a stream of bytes into gRPC messages. */
export class MessageSplitter {
  readonly #maxBytes: number
  /** What has come of a message that is not whole yet. */
  #parts: Buffer[] = []
  #bytes = 0
  /** With so many bytes there is something to cut. */
  #needed = prefixBytes

  /** `maxBytes`: a longer message is malformed. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The messages that are whole now, without their prefixes, in the memory of `chunk` unless they came in parts. Throws `malformed message`. */
  push(chunk: Buffer): Buffer[] {
    this.#parts.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes < this.#needed) return []
    let rest = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts, this.#bytes)
    const messages: Buffer[] = []
    this.#needed = prefixBytes
    while (rest.length >= prefixBytes) {
      if (rest[0] !== 0) throw malformed('a compressed message, which was not asked for')
      const length = rest.readUInt32BE(1)
      if (length > this.#maxBytes)
        throw malformed(`a message of ${length} bytes, where at most ${this.#maxBytes} are allowed`)
      this.#needed = prefixBytes + length
      if (rest.length < this.#needed) break
      messages.push(rest.subarray(prefixBytes, this.#needed))
      rest = rest.subarray(this.#needed)
      this.#needed = prefixBytes
    }
    this.#parts = rest.length === 0 ? [] : [rest]
    this.#bytes = rest.length
    return messages
  }
}

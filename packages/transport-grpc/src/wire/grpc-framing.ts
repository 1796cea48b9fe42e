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
  #pending: Buffer = Buffer.alloc(0)

  /** `maxBytes`: a longer message is malformed. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The messages that are whole now, without their prefixes. Throws `malformed message`. */
  push(chunk: Buffer): Buffer[] {
    let rest = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
    const messages: Buffer[] = []
    while (rest.length >= prefixBytes) {
      if (rest[0] !== 0) throw malformed('a compressed message, which was not asked for')
      const length = rest.readUInt32BE(1)
      if (length > this.#maxBytes)
        throw malformed(`a message of ${length} bytes, where at most ${this.#maxBytes} are allowed`)
      if (rest.length < prefixBytes + length) break
      messages.push(rest.subarray(prefixBytes, prefixBytes + length))
      rest = rest.subarray(prefixBytes + length)
    }
    this.#pending = rest
    return messages
  }
}

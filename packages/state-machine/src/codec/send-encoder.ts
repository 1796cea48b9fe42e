import type { Send } from '../command.ts'
import { encodeUtf8, putShortAscii } from '../text/utf8.ts'
import { putVarint, varintBytes, varintLength } from './varint.ts'

/** Bytes of a slab that encoded commands are cut from. */
const slabBytes = 64 * 1_024
/** Bytes before the text: tags, lengths and the session id. */
const headBytes = 64

/**
 * Encodes a `Command` that holds a `Send`, byte for byte as the generated code does. This is the command that the chat has thousands of a second of: one allocation is
 * shared by hundreds, and nothing is copied.
 */
export class SendEncoder {
  #memory = new ArrayBuffer(slabBytes)
  #slab = new Uint8Array(this.#memory)
  /** Where the next command begins. */
  #used = 0

  encode(command: Send): Uint8Array {
    const { sessionId, requestId, to, text } = command
    const bound = headBytes + 3 * (requestId.length + to.length + text.length)
    // A command with room of its own, if it would take much of a slab.
    const slab = bound > slabBytes / 8 ? new Uint8Array(bound) : this.#room(bound)
    const begin = slab === this.#slab ? this.#used : 0

    // The length of the inner message stands before it. Room is left for the longest; what is not needed is skipped.
    const inner = begin + 1 + varintBytes
    let at = inner
    if (sessionId !== 0) {
      slab[at] = 0x08
      at = putVarint(slab, at + 1, sessionId)
    }
    at = putText(slab, at, 0x12, requestId)
    at = putText(slab, at, 0x1a, to)
    at = putText(slab, at, 0x22, text)

    const length = at - inner
    const start = inner - varintLength(length) - 1
    slab[start] = 0x2a
    putVarint(slab, start + 1, length)
    if (slab !== this.#slab) return slab.subarray(start, at)
    this.#used = at
    // As `subarray` does, for half of what that costs.
    return new Uint8Array(this.#memory, start, at - start)
  }

  #room(bytes: number): Uint8Array {
    if (this.#used + bytes > slabBytes) {
      this.#memory = new ArrayBuffer(slabBytes)
      this.#slab = new Uint8Array(this.#memory)
      this.#used = 0
    }
    return this.#slab
  }
}

function putText(bytes: Uint8Array, at: number, tag: number, text: string): number {
  if (text === '') return at
  bytes[at] = tag
  const end = putShortAscii(bytes, at + 2, text)
  if (end !== -1) {
    bytes[at + 1] = text.length
    return end
  }
  // The length of an ASCII text takes as many bytes as that of its units; if the text is longer, it moves.
  const guess = at + 1 + varintLength(text.length)
  const written = encodeUtf8(bytes, guess, text) - guess
  const begin = at + 1 + varintLength(written)
  if (begin !== guess) bytes.copyWithin(begin, guess, guess + written)
  putVarint(bytes, at + 1, written)
  return begin + written
}

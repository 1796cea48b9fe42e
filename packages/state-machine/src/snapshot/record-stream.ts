import { StateMachineError } from '../error.ts'

/** No record of a sound snapshot comes near this; a length beyond it is damage. */
const maximumRecordBytes = 64 * 1_024 * 1_024
/** Longest varint of a length. */
const lengthBytes = 5

/** Takes records out of bytes that arrive in pieces, however those are cut. */
export class RecordStream {
  /** The beginning of a record whose end has not arrived. */
  #rest: Uint8Array = new Uint8Array(0)

  /** Whether a record has begun and not ended. */
  get midway(): boolean {
    return this.#rest.length > 0
  }

  /** The bytes of each record that ends in this piece, good as long as the piece is. Throws a `StateMachineError` 'malformed snapshot'. */
  *take(piece: Uint8Array): Generator<Uint8Array, void, void> {
    let at = 0
    if (this.#rest.length > 0) {
      // Of the piece only what the record lacks is copied: a piece is large, and a record small.
      const frame = frameIn(join(this.#rest, piece.subarray(0, lengthBytes)))
      if (frame === undefined || frame.end > this.#rest.length + piece.length) {
        this.#rest = join(this.#rest, piece)
        return
      }
      at = frame.end - this.#rest.length
      const whole = join(this.#rest, piece.subarray(0, at))
      this.#rest = new Uint8Array(0)
      yield whole.subarray(frame.begin)
    }
    for (;;) {
      const frame = frameIn(piece, at)
      if (frame === undefined || frame.end > piece.length) break
      yield piece.subarray(frame.begin, frame.end)
      at = frame.end
    }
    // A copy (`slice` of a `Buffer` makes none): the caller may use its piece again.
    this.#rest = new Uint8Array(piece.subarray(at))
  }
}

/** Where the record that begins at `at` lies; undefined if not even its length is there. */
function frameIn(bytes: Uint8Array, at = 0): { readonly begin: number; readonly end: number } | undefined {
  let length = 0
  for (let i = 0; i < lengthBytes; i++) {
    const byte = bytes[at + i]
    if (byte === undefined) return undefined
    length += (byte & 0x7f) * 0x80 ** i
    if (byte >= 0x80) continue
    if (length > maximumRecordBytes) break
    return { begin: at + i + 1, end: at + i + 1 + length }
  }
  throw new StateMachineError(
    'malformed snapshot',
    `A record of the snapshot claims to have more than ${maximumRecordBytes} bytes: the snapshot is damaged, use another.`,
  )
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length)
  whole.set(a)
  whole.set(b, a.length)
  return whole
}

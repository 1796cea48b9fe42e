/** No chunk is longer. */
const maximumBytes = 256 * 1_024
/** Records are put into one chunk until it has so many bytes: enough for a disk, little enough to be made in about a millisecond. */
const wantedBytes = 64 * 1_024

/** The records of a snapshot as chunks of bytes. Not a generator, because `return()` on a generator that has not begun runs none of its code. */
export class SnapshotChunks implements IterableIterator<Uint8Array> {
  readonly #records: Iterator<Uint8Array, void, void>
  readonly #onEnd: () => void
  /** Where records are put together. */
  #draft = new Uint8Array(2 * wantedBytes)
  /** Bytes made and not yet handed out. */
  #pending: Uint8Array = new Uint8Array(0)
  #ended = false

  /** `records`: each with its length before it, copied before the next is drawn. `onEnd` is called once: when the last chunk was taken, or when the taker gave up. */
  constructor(records: Iterator<Uint8Array, void, void>, onEnd: () => void) {
    this.#records = records
    this.#onEnd = onEnd
  }

  [Symbol.iterator](): this {
    return this
  }

  next(): IteratorResult<Uint8Array, undefined> {
    if (this.#pending.length === 0 && !this.#ended) this.#pending = this.#encode()
    if (this.#pending.length === 0) return this.return()
    const chunk = this.#pending.subarray(0, maximumBytes)
    this.#pending = this.#pending.subarray(chunk.length)
    return { done: false, value: chunk }
  }

  return(): IteratorResult<Uint8Array, undefined> {
    this.#pending = new Uint8Array(0)
    if (!this.#ended) {
      this.#ended = true
      this.#onEnd()
    }
    return { done: true, value: undefined }
  }

  #encode(): Uint8Array {
    let bytes = 0
    while (bytes < wantedBytes) {
      const { done, value } = this.#records.next()
      if (done === true) break
      const together = bytes + value.length
      if (together > this.#draft.length) {
        const larger = new Uint8Array(Math.max(together, 2 * this.#draft.length))
        larger.set(this.#draft.subarray(0, bytes))
        this.#draft = larger
      }
      this.#draft.set(value, bytes)
      bytes = together
    }
    // A copy: what was given out does not change.
    return this.#draft.slice(0, bytes)
  }
}

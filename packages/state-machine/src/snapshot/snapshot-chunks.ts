/** No chunk is longer. */
const maximumBytes = 256 * 1_024
/** Records are put into one chunk until it has so many bytes: enough for a disk, little enough to be made in about a millisecond. */
const wantedBytes = 64 * 1_024

/** The records of a snapshot as chunks of bytes. Not a generator, because `return()` on a generator that has not begun runs none of its code. */
export class SnapshotChunks implements IterableIterator<Uint8Array> {
  readonly #records: Iterator<Uint8Array, void, void>
  readonly #onEnd: () => void
  /** Bytes made and not yet handed out. */
  #pending: Uint8Array = new Uint8Array(0)
  #ended = false

  /** `records`: each with its length before it. `onEnd` is called once: when the last chunk was taken, or when the taker gave up. */
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
    const parts: Uint8Array[] = []
    let bytes = 0
    while (bytes < wantedBytes) {
      const { done, value } = this.#records.next()
      if (done === true) break
      parts.push(value)
      bytes += value.length
    }
    return concatenate(parts, bytes)
  }
}

function concatenate(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

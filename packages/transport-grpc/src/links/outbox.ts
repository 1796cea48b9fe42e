import { type Message, messageBytes } from '@chatroom/replica'
import type { TransportLimits } from '../limits.ts'
import { encodeFrame } from '../wire/encode.ts'
import type { SharedEntries } from '../wire/shared-entries.ts'

export interface OutboxSink {
  /** Takes one encoded frame and calls `done` when the network took it. */
  write(frame: Buffer, done: () => void): void
}

/**
 * What waits for one open link. Messages that are sent in one go leave as one frame at its end; one frame at a time is with the network, so that
 * under load the next one gathers meanwhile.
 */
export class Outbox {
  readonly #sink: OutboxSink
  readonly #limits: TransportLimits
  readonly #entries: SharedEntries
  #messages: Message[] = []
  #sizes: number[] = []
  /** Bytes in `#messages`. */
  #waiting = 0
  /** Bytes of the frame that is with the network. */
  #writing = 0
  #scheduled = false
  #closed = false

  /** `entries`: shared by the outboxes of all links. */
  constructor(sink: OutboxSink, limits: TransportLimits, entries: SharedEntries) {
    this.#sink = sink
    this.#limits = limits
    this.#entries = entries
  }

  get queuedBytes(): number {
    return this.#waiting + this.#writing
  }

  /** false: over the bound; the message was not taken. */
  push(message: Message): boolean {
    const bytes = messageBytes(message)
    if (this.queuedBytes + bytes > this.#limits.queueBytes) return false
    this.#messages.push(message)
    this.#sizes.push(bytes)
    this.#waiting += bytes
    if (!this.#scheduled && this.#writing === 0) {
      this.#scheduled = true
      // Not `queueMicrotask`: it makes an AsyncResource each time.
      process.nextTick(() => {
        this.#scheduled = false
        this.#flush()
      })
    }
    return true
  }

  /** Forgets everything. */
  close(): void {
    this.#closed = true
    this.#messages = []
    this.#sizes = []
    this.#waiting = 0
    this.#writing = 0
  }

  #flush(): void {
    if (this.#closed || this.#messages.length === 0) return
    const { messages, bytes } = this.#take()
    this.#waiting -= bytes
    this.#writing = bytes
    this.#sink.write(encodeFrame(messages, bytes, this.#entries), () => {
      if (this.#closed) return
      this.#writing = 0
      this.#flush()
    })
  }

  /** At least one message, and as many as fit into a frame. */
  #take(): { messages: Message[]; bytes: number } {
    if (this.#waiting <= this.#limits.frameBytes) {
      const all = { messages: this.#messages, bytes: this.#waiting }
      this.#messages = []
      this.#sizes = []
      return all
    }
    let bytes = 0
    let count = 0
    for (const size of this.#sizes) {
      if (count > 0 && bytes + size > this.#limits.frameBytes) break
      bytes += size
      count += 1
    }
    this.#sizes.splice(0, count)
    return { messages: this.#messages.splice(0, count), bytes }
  }
}

import { Fifo, type FifoImage } from './fifo.ts'

/** A message as a mailbox holds it. Never changed; its sequence number is its place in the mailbox. */
export interface StoredMessage {
  /** Log index of the entry that sent it. */
  readonly id: number
  /** Name of the sender. */
  readonly from: string
  readonly text: string
  /** Bytes of `text`, UTF-8. */
  readonly bytes: number
  /** Milliseconds since 1970, logged time. */
  readonly sentAt: number
}

/** A message as its reader sees it. */
export interface MailboxMessage {
  /** Place in the reader's mailbox: from 1, counting up by 1. */
  readonly sequence: number
  /** Unique in the cluster: the log index of the entry that sent it, in decimal. */
  readonly messageId: string
  /** Name of the sender. */
  readonly from: string
  readonly text: string
  /** When the leader took it: milliseconds since 1970. */
  readonly sentAtMs: number
}

/** Bytes of removed texts that may stay in memory before the mailbox is compacted. */
const slackBytes = 4_096

/** The messages that wait for one account. A message leaves it only by acknowledgement. */
export class Mailbox {
  readonly #messages: Fifo<StoredMessage>
  #bytes = 0
  /** Bytes of removed texts that the array behind `#messages` may still hold. */
  #removedBytes = 0

  /** `firstSequence`: the number of the first message it will hold. */
  constructor(firstSequence = 1) {
    this.#messages = new Fifo(firstSequence)
  }

  get waiting(): number {
    return this.#messages.size
  }

  /** Bytes of the waiting texts, UTF-8. */
  get bytes(): number {
    return this.#bytes
  }

  /** Sequence number given out last; 0 if none. */
  get lastSequence(): number {
    return this.#messages.next - 1
  }

  /** Returns the message's sequence number. */
  append(message: StoredMessage): number {
    this.#bytes += message.bytes
    return this.#messages.push(message)
  }

  /** Removes this message and all before it. */
  acknowledge(upToSequence: number): void {
    const before = this.#bytes
    for (let sequence = this.#messages.first; sequence <= upToSequence; sequence++) {
      const message = this.#messages.at(sequence)
      if (message === undefined) break
      this.#bytes -= message.bytes
    }
    this.#messages.dropBefore(upToSequence + 1)
    this.#removedBytes += before - this.#bytes
    if (this.#removedBytes >= slackBytes + this.#bytes / 4) {
      this.#messages.compact()
      this.#removedBytes = 0
    }
  }

  /**
   * The waiting messages after a sequence number, in order: at most `limit`, and at most `maxBytes` bytes of text, but never none if one waits and
   * `limit` allows it.
   */
  read(afterSequence: number, limit: number, maxBytes: number): MailboxMessage[] {
    const found: MailboxMessage[] = []
    let bytes = 0
    for (let sequence = Math.max(this.#messages.first, afterSequence + 1); found.length < limit; sequence++) {
      const message = this.#messages.at(sequence)
      if (message === undefined) break
      bytes += message.bytes
      if (bytes > maxBytes && found.length > 0) break
      const { id, from, text, sentAt } = message
      found.push({ sequence, messageId: String(id), from, text, sentAtMs: sentAt })
    }
    return found
  }

  image(): FifoImage<StoredMessage> {
    return this.#messages.image()
  }
}

import type { Mailbox, MailboxMessage } from './state/mailbox.ts'

/** One account's mailbox as its reader sees it: a view that shows what comes and goes. */
export class MailboxReader {
  readonly #mailbox: () => Mailbox | null

  constructor(mailbox: () => Mailbox | null) {
    this.#mailbox = mailbox
  }

  /** Sequence number given out last; 0 if none. */
  get lastSequence(): number {
    return this.#mailbox()?.lastSequence ?? 0
  }

  /** Messages that wait. */
  get waiting(): number {
    return this.#mailbox()?.waiting ?? 0
  }

  /** Bytes of the texts that wait, UTF-8. */
  get bytes(): number {
    return this.#mailbox()?.bytes ?? 0
  }

  /**
   * The waiting messages after a sequence number, in order: at most `limit`, and at most `maxBytes` bytes of text, but never none if one waits and
   * `limit` allows it.
   */
  read(afterSequence: number, limit: number, maxBytes: number): MailboxMessage[] {
    return this.#mailbox()?.read(afterSequence, limit, maxBytes) ?? []
  }
}

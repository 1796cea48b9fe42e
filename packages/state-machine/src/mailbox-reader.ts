import type { Accounts, MailboxState } from './state/accounts.ts'
import type { MailboxMessage } from './state/mailbox.ts'
import type { MessageSink } from './state/message-block.ts'

const empty: MailboxState = { waiting: 0, bytes: 0, lastSequence: 0 }

/** One account's mailbox as its reader sees it: a view that shows what comes and goes. Empty if there is no such account. */
export class MailboxReader {
  readonly #accounts: () => Accounts
  readonly #accountId: number

  constructor(accounts: () => Accounts, accountId: number) {
    this.#accounts = accounts
    this.#accountId = accountId
  }

  /** What is in it now. */
  get state(): MailboxState {
    const accounts = this.#accounts()
    const account = accounts.withId(this.#accountId)
    return account === undefined ? empty : accounts.mailboxOf(account)
  }

  /** Sequence number given out last; 0 if none. */
  get lastSequence(): number {
    return this.state.lastSequence
  }

  /** Messages that wait. */
  get waiting(): number {
    return this.state.waiting
  }

  /** Bytes of the texts that wait, UTF-8. */
  get bytes(): number {
    return this.state.bytes
  }

  /**
   * The waiting messages after a sequence number, in order: at most `limit`, and at most `maxBytes` bytes of text, but never none if one waits and
   * `limit` allows it.
   */
  read(afterSequence: number, limit: number, maxBytes: number): MailboxMessage[] {
    const accounts = this.#accounts()
    const account = accounts.withId(this.#accountId)
    return account === undefined ? [] : accounts.read(account, afterSequence, limit, maxBytes)
  }

  /** Shows the sink the messages that `read` would give: where there are many, as on their way to a reader, that makes no texts and objects of them. Returns how many. */
  show(afterSequence: number, limit: number, maxBytes: number, sink: MessageSink): number {
    const accounts = this.#accounts()
    const account = accounts.withId(this.#accountId)
    return account === undefined ? 0 : accounts.show(account, afterSequence, limit, maxBytes, sink)
  }
}

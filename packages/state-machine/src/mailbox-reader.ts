import type { Accounts, MailboxState } from './state/accounts.ts'
import type { MailboxMessage } from './state/mailbox.ts'

/** One account's mailbox as its reader sees it: a view that shows what comes and goes. Empty if there is no such account. */
export class MailboxReader {
  readonly #accounts: () => Accounts
  readonly #accountId: number

  constructor(accounts: () => Accounts, accountId: number) {
    this.#accounts = accounts
    this.#accountId = accountId
  }

  /** Sequence number given out last; 0 if none. */
  get lastSequence(): number {
    return this.#state()?.lastSequence ?? 0
  }

  /** Messages that wait. */
  get waiting(): number {
    return this.#state()?.waiting ?? 0
  }

  /** Bytes of the texts that wait, UTF-8. */
  get bytes(): number {
    return this.#state()?.bytes ?? 0
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

  #state(): MailboxState | undefined {
    const accounts = this.#accounts()
    const account = accounts.withId(this.#accountId)
    return account === undefined ? undefined : accounts.mailboxOf(account)
  }
}

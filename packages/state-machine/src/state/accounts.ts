import { compareByCodePoint } from '../text/code-point-order.ts'
import type { ChangeWatch } from './change-watch.ts'
import { Mailbox, type StoredMessage } from './mailbox.ts'
import { PartitionedMap, spreadIndex, spreadText } from './partitioned-map.ts'
import { SortedNames } from './sorted-names.ts'

/** Somebody who can be written to. Only `Accounts` changes it. */
export interface Account {
  /** Log index of the entry that made it. */
  readonly id: number
  readonly name: string
  readonly passwordHash: string
  /** null: nothing was ever sent to it. */
  readonly mailbox: Mailbox | null
  /** Number of the snapshot that has this account already. */
  readonly inSnapshot: number
}

interface MutableAccount extends Account {
  passwordHash: string
  mailbox: Mailbox | null
}

/** All accounts, by name, by id and in the order of their names, with their mailboxes. */
export class Accounts {
  readonly #byName = new PartitionedMap<string, Account>(spreadText)
  readonly #byId = new PartitionedMap<number, Account>(spreadIndex)
  readonly #names = new SortedNames()
  readonly #watch: ChangeWatch
  #waiting = 0
  #waitingBytes = 0

  constructor(watch: ChangeWatch) {
    this.#watch = watch
  }

  get size(): number {
    return this.#byName.size
  }

  /** Messages in all mailboxes. */
  get waiting(): number {
    return this.#waiting
  }

  /** Bytes of text in all mailboxes, UTF-8. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  named(name: string): Account | undefined {
    return this.#byName.get(name)
  }

  withId(id: number): Account | undefined {
    return this.#byId.get(id)
  }

  /** The name must be free. */
  add(id: number, name: string, passwordHash: string, mailbox: Mailbox | null = null): Account {
    const account: Account = { id, name, passwordHash, mailbox, inSnapshot: 0 }
    this.#byName.set(name, account)
    this.#byId.set(id, account)
    this.#names.add(name)
    return account
  }

  /** Removes the account and what waits in its mailbox. */
  remove(account: Account): void {
    this.#watch.account(account)
    this.#byName.delete(account.name)
    this.#byId.delete(account.id)
    this.#names.delete(account.name)
    this.#waiting -= account.mailbox?.waiting ?? 0
    this.#waitingBytes -= account.mailbox?.bytes ?? 0
  }

  changePassword(account: MutableAccount, passwordHash: string): void {
    this.#watch.account(account)
    account.passwordHash = passwordHash
  }

  /** Puts a message into the account's mailbox. Returns its sequence number. */
  deliver(account: MutableAccount, message: StoredMessage): number {
    this.#watch.account(account)
    account.mailbox ??= new Mailbox()
    this.#waiting++
    this.#waitingBytes += message.bytes
    return account.mailbox.append(message)
  }

  /** Takes messages out of the account's mailbox, this one and all before it. Returns how many are left. */
  acknowledge(account: Account, upToSequence: number): number {
    const { mailbox } = account
    if (mailbox === null) return 0
    this.#watch.account(account)
    const { waiting, bytes } = mailbox
    mailbox.acknowledge(upToSequence)
    this.#waiting -= waiting - mailbox.waiting
    this.#waitingBytes -= bytes - mailbox.bytes
    return mailbox.waiting
  }

  /** Names that begin with `prefix` and come after `after`, by code point; at most `limit`. */
  list(prefix: string, after: string, limit: number): string[] {
    const found: string[] = []
    const begin = compareByCodePoint(after, prefix) < 0 ? prefix : after
    for (const name of this.#names.from(begin)) {
      if (found.length >= limit || !name.startsWith(prefix)) break
      if (name !== after) found.push(name)
    }
    return found
  }

  /** In the order of their names. No account may be added or removed meanwhile. */
  *inOrder(): Generator<Account, void, void> {
    for (const name of this.#names.from('')) {
      const account = this.#byName.get(name)
      if (account !== undefined) yield account
    }
  }

  /** In no particular order; as `PartitionedMap.values`. */
  values(): Generator<Account, void, void> {
    return this.#byId.values()
  }
}

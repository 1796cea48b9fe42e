import { getUtf8, putUtf8, utf8Length } from '../text/utf8.ts'
import { type Address, Arena } from './arena.ts'
import type { AccountImage, ChangeWatch } from './change-watch.ts'
import { hashOfIndex } from './hash-table.ts'
import {
  appendMessage,
  clearMailbox,
  type MailboxMessage,
  openMailbox,
  readMessages,
  removeMessages,
  showMessages,
} from './mailbox.ts'
import { MailboxFields, mailboxFieldBytes } from './mailbox-fields.ts'
import type { MessageSink, NewMessage } from './message-block.ts'
import { MessageCursor } from './message-cursor.ts'
import { compareBytes, NameKey } from './name-key.ts'
import { RowIndex } from './row-index.ts'
import { SortedRows } from './sorted-rows.ts'

/** Somebody who can be written to. */
export interface Account {
  /** Where its row is, until it is removed. */
  readonly row: Address
  /** Log index of the entry that made it. */
  readonly id: number
  readonly name: string
}

/** Looks at the texts of an account where they lie, in UTF-8. */
export interface AccountSink {
  name(bytes: Uint8Array, at: number, length: number): void
  passwordHash(bytes: Uint8Array, at: number, length: number): void
}

/** What is in a mailbox. */
export interface MailboxState {
  /** Messages that wait. */
  readonly waiting: number
  /** Bytes of their texts, UTF-8. */
  readonly bytes: number
  /** Sequence number given out last; 0 if none. */
  readonly lastSequence: number
}

// A row: the account's id (8 bytes), the snapshot that has it already (4), the bytes of its password hash (4) and the address of the block with that (4), its
// mailbox, the bytes of its name (4) and its name in UTF-8. A row never moves.
const markAt = 8
const hashBytesAt = 12
const hashAt = 16
const nameBytesAt = 20
const mailboxAt = 24
const nameAt: number = mailboxAt + mailboxFieldBytes

/** Accounts that a snapshot looks at in one go. */
const imagesAtOnce = 256

/**
 * All accounts, by name, by id and in the order of their names, with their mailboxes. They lie in an arena and not in objects: a chat of a million accounts and a
 * million messages is a few thousand objects to the collector of garbage.
 */
export class Accounts {
  readonly #arena = new Arena()
  readonly #byName = new RowIndex<NameKey>((key, row) => this.#compareName(row, key) === 0)
  readonly #byId = new RowIndex<number>((id, row) => this.#idOf(row) === id)
  readonly #names = new SortedRows<NameKey>((row, key) => this.#compareName(row, key))
  readonly #key = new NameKey()
  readonly #watch: ChangeWatch
  /** Who was found last: people write to one and the same several times. */
  #lastNamed: Account | null = null
  #waiting = 0
  #waitingBytes = 0

  constructor(watch: ChangeWatch) {
    this.#watch = watch
  }

  get size(): number {
    return this.#byId.size
  }

  /** Messages in all mailboxes. */
  get waiting(): number {
    return this.#waiting
  }

  /** Bytes of text in all mailboxes, UTF-8. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  /** Bytes set aside for accounts and messages, whether in use or not. */
  get memory(): number {
    return this.#arena.size
  }

  named(name: string): Account | undefined {
    if (name === this.#lastNamed?.name) return this.#lastNamed
    const key = this.#key.set(name)
    const row = this.#byName.find(key.hash, key)
    if (row === 0) return undefined
    this.#lastNamed = { row, id: this.#idOf(row), name }
    return this.#lastNamed
  }

  withId(id: number): Account | undefined {
    const row = this.#byId.find(hashOfIndex(id), id)
    return row === 0 ? undefined : { row, id, name: this.#nameOf(row) }
  }

  passwordHashOf({ row }: Account): string {
    return this.#text(this.#field(row, hashAt), 0, this.#field(row, hashBytesAt))
  }

  /** The name must be free. `firstSequence`: of the first message it will get, if it had some before. */
  add(id: number, name: string, passwordHash: string, firstSequence = 0): Account {
    const key = this.#key.set(name)
    const row = this.#arena.allocate(nameAt + key.length)
    const at = this.#arena.offsetOf(row)
    const bytes = this.#arena.bytesOf(row).fill(0, at, at + nameAt)
    this.#arena.viewOf(row).setFloat64(at, id)
    this.#setField(row, nameBytesAt, key.length)
    putUtf8(bytes, at + nameAt, name, key.length)
    this.#setHash(row, passwordHash)
    if (firstSequence > 0) openMailbox(this.#mailbox(row), firstSequence)
    this.#byName.add(key.hash, row)
    this.#byId.add(hashOfIndex(id), row)
    this.#names.add(key, row)
    return { row, id, name }
  }

  changePassword({ row }: Account, passwordHash: string): void {
    this.#beforeChange(row)
    this.#arena.free(this.#field(row, hashAt))
    this.#setHash(row, passwordHash)
  }

  /** Removes the account and what waits in its mailbox. */
  remove({ row, id, name }: Account): void {
    this.#lastNamed = null
    this.#beforeChange(row)
    const mailbox = this.#mailbox(row)
    this.#waiting -= mailbox.next - mailbox.first
    this.#waitingBytes -= mailbox.bytes
    clearMailbox(this.#arena, mailbox)
    const key = this.#key.set(name)
    this.#names.remove(key)
    this.#byName.remove(key.hash, row)
    this.#byId.remove(hashOfIndex(id), row)
    this.#arena.free(this.#field(row, hashAt))
    this.#arena.free(row)
  }

  mailboxOf({ row }: Account): MailboxState {
    const { first, next, bytes } = this.#mailbox(row)
    return { waiting: next - first, bytes, lastSequence: Math.max(0, next - 1) }
  }

  /** Puts a message into the account's mailbox. Returns its sequence number. */
  deliver({ row }: Account, message: NewMessage): number {
    this.#beforeChange(row)
    this.#waiting++
    this.#waitingBytes += message.bytes
    return appendMessage(this.#arena, this.#mailbox(row), message)
  }

  /** Takes messages out of the account's mailbox, this one and all before it. Returns how many are left. */
  acknowledge({ row }: Account, upToSequence: number): number {
    this.#beforeChange(row)
    const mailbox = this.#mailbox(row)
    const { first, bytes } = mailbox
    removeMessages(this.#arena, mailbox, upToSequence)
    this.#waiting -= mailbox.first - first
    this.#waitingBytes -= bytes - mailbox.bytes
    return mailbox.next - mailbox.first
  }

  /** As `readMessages`. */
  read({ row }: Account, afterSequence: number, limit: number, maxBytes: number): MailboxMessage[] {
    return readMessages(this.#arena, this.#mailbox(row), afterSequence, limit, maxBytes)
  }

  /** As `showMessages`. */
  show({ row }: Account, afterSequence: number, limit: number, maxBytes: number, sink: MessageSink): number {
    return showMessages(this.#arena, this.#mailbox(row), afterSequence, limit, maxBytes, sink)
  }

  /** Names that begin with `prefix` and come after `after`, by code point; at most `limit`. */
  list(prefix: string, after: string, limit: number): string[] {
    const found: string[] = []
    const first = new NameKey().set(prefix)
    const last = new NameKey().set(after)
    const isBefore = compareBytes(last.bytes, 0, last.length, first.bytes, 0, first.length) < 0
    for (const row of this.#names.from(isBefore ? first : last)) {
      if (found.length >= limit) break
      const name = this.#nameOf(row)
      if (!name.startsWith(prefix)) break
      if (name !== after) found.push(name)
    }
    return found
  }

  /** In the order of their names. No account may be added or removed meanwhile. */
  *inOrder(): Generator<Account, void, void> {
    for (const row of this.#names.from(new NameKey()))
      yield { row, id: this.#idOf(row), name: this.#nameOf(row) }
  }

  /** All accounts as they were when the snapshot began, whatever happens to them while this is drawn out. */
  *images(): Generator<AccountImage, void, void> {
    let rows = this.#rowsAfter('')
    while (rows.length > 0) {
      const last = this.#nameOf(rows.at(-1) ?? 0)
      const images = rows.map((row) => this.#reached(row))
      for (const image of images) if (image !== undefined) yield image
      rows = this.#rowsAfter(last)
    }
    yield* this.#watch.leftAccounts()
  }

  /** Shows the sink the texts of an image, which are there while the arena is held. */
  showTexts({ row, hash, hashBytes }: AccountImage, sink: AccountSink): void {
    const arena = this.#arena
    sink.name(arena.bytesOf(row), arena.offsetOf(row) + nameAt, this.#field(row, nameBytesAt))
    sink.passwordHash(arena.bytesOf(hash), arena.offsetOf(hash), hashBytes)
  }

  /** Until `release`, what images were made of stays as it is. */
  hold(): void {
    this.#arena.hold()
  }

  release(): void {
    this.#arena.release()
  }

  #rowsAfter(name: string): Address[] {
    const rows: Address[] = []
    const key = new NameKey().set(name)
    for (const row of this.#names.from(key)) {
      if (this.#compareName(row, key) !== 0) rows.push(row)
      if (rows.length === imagesAtOnce) break
    }
    return rows
  }

  #beforeChange(row: Address): void {
    if (this.#watch.active && this.#claim(row)) this.#watch.keepAccount(this.#imageOf(row))
  }

  #reached(row: Address): AccountImage | undefined {
    return this.#claim(row) ? this.#imageOf(row) : this.#watch.takeAccount(this.#idOf(row))
  }

  /** True once for every account that was there when the snapshot began. */
  #claim(row: Address): boolean {
    if (!this.#watch.owes(this.#idOf(row), this.#field(row, markAt))) return false
    this.#setField(row, markAt, this.#watch.snapshot)
    return true
  }

  #imageOf(row: Address): AccountImage {
    const mailbox = this.#mailbox(row)
    return {
      id: this.#idOf(row),
      row,
      hash: this.#field(row, hashAt),
      hashBytes: this.#field(row, hashBytesAt),
      firstSequence: mailbox.first,
      messages: new MessageCursor(this.#arena, mailbox),
    }
  }

  #mailbox(row: Address): MailboxFields {
    return new MailboxFields(this.#arena, row, mailboxAt)
  }

  #idOf(row: Address): number {
    return this.#arena.viewOf(row).getFloat64(this.#arena.offsetOf(row))
  }

  #nameOf(row: Address): string {
    return this.#text(row, nameAt, this.#field(row, nameBytesAt))
  }

  #field(row: Address, at: number): number {
    return this.#arena.viewOf(row).getUint32(this.#arena.offsetOf(row) + at)
  }

  #setField(row: Address, at: number, value: number): void {
    this.#arena.viewOf(row).setUint32(this.#arena.offsetOf(row) + at, value)
  }

  #setHash(row: Address, passwordHash: string): void {
    const length = utf8Length(passwordHash)
    const block = this.#arena.allocate(length)
    putUtf8(this.#arena.bytesOf(block), this.#arena.offsetOf(block), passwordHash, length)
    this.#setField(row, hashBytesAt, length)
    this.#setField(row, hashAt, block)
  }

  #text(block: Address, at: number, bytes: number): string {
    return getUtf8(this.#arena.bytesOf(block), this.#arena.offsetOf(block) + at, bytes)
  }

  #compareName(row: Address, key: NameKey): number {
    const at = this.#arena.offsetOf(row) + nameAt
    const length = this.#field(row, nameBytesAt)
    return compareBytes(this.#arena.bytesOf(row), at, length, key.bytes, 0, key.length)
  }
}

import type { AccountSink, Accounts } from '../state/accounts.ts'
import type { MessageSink } from '../state/message-block.ts'
import type { MessageCursor } from '../state/message-cursor.ts'
import { FieldBuffer } from './field-buffer.ts'

/** Bytes that a record of many items should have, roughly: what is encoded in one go. */
const recordBytes = 32 * 1_024
/** Items of one record: what is looked at in one go. */
const recordItems = 512

interface Count {
  accounts: number
  messages: number
}

/**
 * All accounts with their mailboxes as records, each with its length before it, byte for byte as the generated code encodes them. They go from the arena into the record without becoming
 * texts and objects on the way: those of a million accounts and messages were most of what the collector of garbage had to do during a snapshot. A record is good until the next is drawn.
 */
export function* accountRecords(accounts: Accounts, count: Count): Generator<Uint8Array, void, void> {
  const batch = new FieldBuffer()
  const account = new FieldBuffer()
  const mailbox = new FieldBuffer()
  const texts: AccountSink = {
    name: (bytes, at, length) => account.text(0x12, bytes, at, length),
    passwordHash: (bytes, at, length) => account.text(0x1a, bytes, at, length),
  }
  const toAccount = new MessageEncoder(account, 0x2a)
  const toMailbox = new MessageEncoder(mailbox, 0x12)
  let items = 0
  for (const image of accounts.images()) {
    const { id, firstSequence, messages } = image
    account.clear()
    account.number(0x08, id)
    accounts.showTexts(image, texts)
    account.number(0x20, firstSequence)
    count.messages += toAccount.fill(messages)
    batch.message(0x0a, account)
    count.accounts++
    items++
    if (!hasMore(messages) && batch.length < recordBytes && items < recordItems) continue
    yield batch.framed(0x12)
    batch.clear()
    items = 0
    while (hasMore(messages)) {
      mailbox.clear()
      mailbox.number(0x08, id)
      count.messages += toMailbox.fill(messages)
      yield mailbox.framed(0x1a)
    }
  }
  if (items > 0) yield batch.framed(0x12)
}

class MessageEncoder implements MessageSink {
  readonly #record: FieldBuffer
  readonly #tag: number
  readonly #fields = new FieldBuffer()

  /** `tag`: of a message within the record. */
  constructor(record: FieldBuffer, tag: number) {
    this.#record = record
    this.#tag = tag
  }

  /** Puts the next messages into the record, as many as it has room for. Returns how many. */
  fill(messages: MessageCursor): number {
    let count = 0
    while (this.#record.length < recordBytes && messages.show(this)) count++
    return count
  }

  message(
    _sequence: number,
    id: number,
    sentAt: number,
    bytes: Uint8Array,
    fromAt: number,
    fromBytes: number,
    textBytes: number,
  ): void {
    const fields = this.#fields
    fields.clear()
    fields.number(0x08, id)
    fields.number(0x10, sentAt)
    fields.text(0x1a, bytes, fromAt, fromBytes)
    fields.text(0x22, bytes, fromAt + fromBytes, textBytes)
    this.#record.message(this.#tag, fields)
  }
}

function hasMore(messages: MessageCursor): boolean {
  return messages.sequence < messages.end
}

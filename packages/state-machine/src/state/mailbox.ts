import { getUtf8, utf8Length } from '../text/utf8.ts'
import type { Address, Arena } from './arena.ts'
import type { MailboxFields } from './mailbox-fields.ts'
import {
  blockHeadBytes,
  endOfMessage,
  initializeBlock,
  linkBlock,
  type MessageSink,
  messageBytes,
  messagesIn,
  type NewMessage,
  nextBlock,
  putMessage,
  textBytesAt,
} from './message-block.ts'
import { MessageCursor } from './message-cursor.ts'

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

/** Each block of a mailbox is twice as long as the one before, up to this, or as long as a message needs. */
const longestBlock = 32 * 1_024

// The messages that wait for one account lie in a chain of blocks of an arena. A message leaves it only by acknowledgement; the blocks before the
// first message are freed.

/** Adds a message. Returns its sequence number. */
export function appendMessage(arena: Arena, mailbox: MailboxFields, message: NewMessage): number {
  const fromBytes = utf8Length(message.from)
  const bytes = messageBytes(message.bytes, fromBytes)
  if (mailbox.tail === 0 || mailbox.tailAt + bytes > arena.lengthOf(mailbox.tail)) {
    addBlock(arena, mailbox, blockHeadBytes + bytes)
  }
  if (mailbox.next === 0) openMailbox(mailbox, 1)
  mailbox.tailAt = putMessage(arena, mailbox.tail, mailbox.tailAt, message, fromBytes)
  mailbox.bytes += message.bytes
  const sequence = mailbox.next
  mailbox.next = sequence + 1
  return sequence
}

/** Makes an empty mailbox whose next message has this sequence number. */
export function openMailbox(mailbox: MailboxFields, sequence: number): void {
  mailbox.first = sequence
  mailbox.next = sequence
}

/** Removes this message and all before it. */
export function removeMessages(arena: Arena, mailbox: MailboxFields, upToSequence: number): void {
  const first = Math.min(upToSequence + 1, mailbox.next)
  while (mailbox.first < first) {
    const block = mailbox.head
    const at = mailbox.headAt
    mailbox.bytes -= textBytesAt(arena, block, at)
    mailbox.headAt = endOfMessage(arena, block, at)
    mailbox.headRemoved++
    mailbox.first++
    if (mailbox.headRemoved === messagesIn(arena, block)) dropHead(arena, mailbox)
  }
}

/** Frees all memory of the mailbox. */
export function clearMailbox(arena: Arena, mailbox: MailboxFields): void {
  while (mailbox.head !== 0) dropHead(arena, mailbox)
}

/**
 * The waiting messages after a sequence number, in order: at most `limit`, and at most `maxBytes` bytes of text, but never none if one waits and
 * `limit` allows it.
 */
export function readMessages(
  arena: Arena,
  mailbox: MailboxFields,
  afterSequence: number,
  limit: number,
  maxBytes: number,
): MailboxMessage[] {
  const found: MailboxMessage[] = []
  const toFound = {
    message(
      sequence: number,
      id: number,
      sentAtMs: number,
      block: Uint8Array,
      at: number,
      fromBytes: number,
      textBytes: number,
    ): void {
      const from = getUtf8(block, at, fromBytes)
      const text = getUtf8(block, at + fromBytes, textBytes)
      found.push({ sequence, messageId: String(id), from, text, sentAtMs })
    },
  }
  showMessages(arena, mailbox, afterSequence, limit, maxBytes, toFound)
  return found
}

/** Shows the sink the messages that `readMessages` would read. Returns how many. */
export function showMessages(
  arena: Arena,
  mailbox: MailboxFields,
  afterSequence: number,
  limit: number,
  maxBytes: number,
  sink: MessageSink,
): number {
  const cursor = new MessageCursor(arena, mailbox)
  cursor.skipTo(afterSequence + 1)
  let shown = 0
  let bytes = 0
  for (; shown < limit; shown++) {
    const { textBytes } = cursor
    bytes += textBytes
    if (textBytes < 0 || (bytes > maxBytes && shown > 0)) break
    cursor.show(sink)
  }
  return shown
}

function addBlock(arena: Arena, mailbox: MailboxFields, bytes: number): void {
  const last = mailbox.tail
  const wanted = last === 0 ? bytes : Math.max(bytes, Math.min(2 * arena.lengthOf(last), longestBlock))
  const block: Address = arena.allocate(wanted)
  initializeBlock(arena, block)
  if (last === 0) {
    mailbox.head = block
    mailbox.headAt = blockHeadBytes
    mailbox.headRemoved = 0
  } else {
    linkBlock(arena, last, block)
  }
  mailbox.tail = block
  mailbox.tailAt = blockHeadBytes
}

function dropHead(arena: Arena, mailbox: MailboxFields): void {
  const block = mailbox.head
  mailbox.head = nextBlock(arena, block)
  mailbox.headAt = blockHeadBytes
  mailbox.headRemoved = 0
  if (mailbox.head === 0) mailbox.tail = 0
  arena.free(block)
}

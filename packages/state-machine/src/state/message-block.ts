import { copyText, type TextBytes } from '../text/text-bytes.ts'
import { getUtf8, putUtf8 } from '../text/utf8.ts'
import type { Address, Arena } from './arena.ts'

/** A message as a mailbox holds it. Its sequence number is its place in the mailbox. */
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

/** A message that comes into a mailbox, by a send or out of a snapshot. */
export interface NewMessage extends Omit<StoredMessage, 'text'> {
  readonly text: TextBytes | string
}

/**
 * Looks at messages where they lie, without texts and objects in between. The sender's name lies in `bytes` at `fromAt`, and the text right behind it, both in UTF-8, until the
 * next command is applied.
 */
export interface MessageSink {
  message(
    sequence: number,
    id: number,
    sentAt: number,
    bytes: Uint8Array,
    fromAt: number,
    fromBytes: number,
    textBytes: number,
  ): void
}

// A block: the address of the next block (4 bytes), the number of messages in it (4), and the messages one after the other.
// A message: its id (8), when it was sent (8), the bytes of its text (4) and of its sender's name (4), and both in UTF-8.

/** Bytes of a block before its first message. */
export const blockHeadBytes = 8
const messageHeadBytes = 24

/** Bytes that a message takes in a block. */
export function messageBytes(textBytes: number, fromBytes: number): number {
  return messageHeadBytes + fromBytes + textBytes
}

export function initializeBlock(arena: Arena, block: Address): void {
  const view = arena.viewOf(block)
  const at = arena.offsetOf(block)
  view.setUint32(at, 0)
  view.setUint32(at + 4, 0)
}

/** The block after this one; 0 if this is the last. */
export function nextBlock(arena: Arena, block: Address): Address {
  return arena.viewOf(block).getUint32(arena.offsetOf(block))
}

export function linkBlock(arena: Arena, block: Address, next: Address): void {
  arena.viewOf(block).setUint32(arena.offsetOf(block), next)
}

/** Messages in the block, acknowledged ones included. */
export function messagesIn(arena: Arena, block: Address): number {
  return arena.viewOf(block).getUint32(arena.offsetOf(block) + 4)
}

/** Writes a message into the block, at a place within it. Returns where it ends. `fromBytes`: of the sender's name, UTF-8. */
export function putMessage(
  arena: Arena,
  block: Address,
  at: number,
  message: NewMessage,
  fromBytes: number,
): number {
  const { text } = message
  const view = arena.viewOf(block)
  const bytes = arena.bytesOf(block)
  const base = arena.offsetOf(block)
  const begin = base + at
  view.setFloat64(begin, message.id)
  view.setFloat64(begin + 8, message.sentAt)
  view.setUint32(begin + 16, message.bytes)
  view.setUint32(begin + 20, fromBytes)
  const textAt = putUtf8(bytes, begin + messageHeadBytes, message.from, fromBytes)
  const end =
    typeof text === 'string' ? putUtf8(bytes, textAt, text, message.bytes) : copyText(bytes, textAt, text)
  view.setUint32(base + 4, view.getUint32(base + 4) + 1)
  return end - base
}

export function getMessage(arena: Arena, block: Address, at: number): StoredMessage {
  const view = arena.viewOf(block)
  const bytes = arena.bytesOf(block)
  const begin = arena.offsetOf(block) + at
  const textBytes = view.getUint32(begin + 16)
  const fromBytes = view.getUint32(begin + 20)
  return {
    id: view.getFloat64(begin),
    from: getUtf8(bytes, begin + messageHeadBytes, fromBytes),
    text: getUtf8(bytes, begin + messageHeadBytes + fromBytes, textBytes),
    bytes: textBytes,
    sentAt: view.getFloat64(begin + 8),
  }
}

export function showMessage(
  arena: Arena,
  block: Address,
  at: number,
  sequence: number,
  sink: MessageSink,
): void {
  const view = arena.viewOf(block)
  const begin = arena.offsetOf(block) + at
  sink.message(
    sequence,
    view.getFloat64(begin),
    view.getFloat64(begin + 8),
    arena.bytesOf(block),
    begin + messageHeadBytes,
    view.getUint32(begin + 20),
    view.getUint32(begin + 16),
  )
}

/** Bytes of the text of the message at this place. */
export function textBytesAt(arena: Arena, block: Address, at: number): number {
  return arena.viewOf(block).getUint32(arena.offsetOf(block) + at + 16)
}

/** Where the message at this place ends. */
export function endOfMessage(arena: Arena, block: Address, at: number): number {
  const view = arena.viewOf(block)
  const begin = arena.offsetOf(block) + at
  return at + messageHeadBytes + view.getUint32(begin + 16) + view.getUint32(begin + 20)
}

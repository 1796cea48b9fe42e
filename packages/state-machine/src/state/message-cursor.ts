import type { Address, Arena } from './arena.ts'
import type { MailboxFields } from './mailbox-fields.ts'
import {
  blockHeadBytes,
  endOfMessage,
  getMessage,
  type MessageSink,
  messagesIn,
  nextBlock,
  type StoredMessage,
  showMessage,
  textBytesAt,
} from './message-block.ts'

/**
 * A place in a mailbox as it is when the cursor is made: later messages do not show; acknowledged ones do, for as long as the arena is held.
 */
export class MessageCursor {
  readonly #arena: Arena
  /** Number of the message after the last one. */
  readonly end: number
  #sequence: number
  #block: Address
  #at: number
  /** Messages of `#block` before this place. */
  #before: number
  /** The last block: where most readers begin. */
  readonly #tail: Address
  /** Number of the first message of the last block. */
  readonly #tailFirst: number

  constructor(arena: Arena, fields: MailboxFields) {
    this.#arena = arena
    this.end = fields.next
    this.#sequence = fields.first
    this.#block = fields.head
    this.#at = fields.headAt
    this.#before = fields.headRemoved
    this.#tail = fields.tail
    this.#tailFirst = this.#tail === 0 ? fields.next : fields.next - messagesIn(arena, this.#tail)
  }

  /** Number of the next message. */
  get sequence(): number {
    return this.#sequence
  }

  /** Goes on to this message; does not go back. */
  skipTo(sequence: number): void {
    const target = Math.min(sequence, this.end)
    if (this.#sequence < this.#tailFirst && this.#tailFirst <= target)
      this.#enter(this.#tail, this.#tailFirst)
    while (this.#sequence < target) {
      const left = messagesIn(this.#arena, this.#block) - this.#before
      if (this.#sequence + left <= target) this.#leave(left)
      else this.#pass()
    }
  }

  next(): StoredMessage | undefined {
    if (this.#sequence >= this.end) return undefined
    const message = getMessage(this.#arena, this.#block, this.#at)
    this.#pass()
    return message
  }

  /** Bytes of the text of the next message; -1: there is none. */
  get textBytes(): number {
    return this.#sequence >= this.end ? -1 : textBytesAt(this.#arena, this.#block, this.#at)
  }

  /** Shows the sink the next message, as `next` would give it. False: there is none. */
  show(sink: MessageSink): boolean {
    if (this.#sequence >= this.end) return false
    showMessage(this.#arena, this.#block, this.#at, this.#sequence, sink)
    this.#pass()
    return true
  }

  #pass(): void {
    this.#at = endOfMessage(this.#arena, this.#block, this.#at)
    this.#before++
    this.#sequence++
    if (this.#before === messagesIn(this.#arena, this.#block)) this.#leave(0)
  }

  #leave(messages: number): void {
    this.#enter(nextBlock(this.#arena, this.#block), this.#sequence + messages)
  }

  #enter(block: Address, sequence: number): void {
    this.#block = block
    this.#sequence = sequence
    this.#at = blockHeadBytes
    this.#before = 0
  }
}

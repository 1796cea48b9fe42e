import type { Address, Arena } from './arena.ts'

/** Bytes of a mailbox's fields within its account's row. */
export const mailboxFieldBytes = 44

/**
 * What there is to know of a mailbox, as fields within the row of its account. Messages lie in a chain of blocks, from `head` to `tail`.
 * A view of a row, not a copy.
 */
export class MailboxFields {
  readonly #view: DataView
  readonly #at: number

  /** `at`: where the fields begin within the row. */
  constructor(arena: Arena, row: Address, at: number) {
    this.#view = arena.viewOf(row)
    this.#at = arena.offsetOf(row) + at
  }

  /** Sequence number of the first message that waits or will. */
  get first(): number {
    return this.#view.getFloat64(this.#at)
  }

  set first(sequence: number) {
    this.#view.setFloat64(this.#at, sequence)
  }

  /** Sequence number of the next message to come; 0 if none ever came. */
  get next(): number {
    return this.#view.getFloat64(this.#at + 8)
  }

  set next(sequence: number) {
    this.#view.setFloat64(this.#at + 8, sequence)
  }

  /** Bytes of the waiting texts, UTF-8. */
  get bytes(): number {
    return this.#view.getFloat64(this.#at + 16)
  }

  set bytes(bytes: number) {
    this.#view.setFloat64(this.#at + 16, bytes)
  }

  /** The block with the first message; 0 if none waits. */
  get head(): Address {
    return this.#view.getUint32(this.#at + 24)
  }

  set head(block: Address) {
    this.#view.setUint32(this.#at + 24, block)
  }

  /** The block with the last message; 0 if none waits. */
  get tail(): Address {
    return this.#view.getUint32(this.#at + 28)
  }

  set tail(block: Address) {
    this.#view.setUint32(this.#at + 28, block)
  }

  /** Where in the head block the first message begins. */
  get headAt(): number {
    return this.#view.getUint32(this.#at + 32)
  }

  set headAt(at: number) {
    this.#view.setUint32(this.#at + 32, at)
  }

  /** Messages of the head block that were acknowledged. */
  get headRemoved(): number {
    return this.#view.getUint32(this.#at + 36)
  }

  set headRemoved(messages: number) {
    this.#view.setUint32(this.#at + 36, messages)
  }

  /** Where in the tail block there is room. */
  get tailAt(): number {
    return this.#view.getUint32(this.#at + 40)
  }

  set tailAt(at: number) {
    this.#view.setUint32(this.#at + 40, at)
  }
}

import type { Member } from '@chatroom/election'
import type { Message } from '../core/messages.ts'
import { messageBytes } from '../ports/message-bytes.ts'
import type { MemoryNetwork, QueuedMessage } from './memory-network.ts'
import type { MemoryTransport } from './memory-transport.ts'

export interface MemoryLinkOptions {
  readonly caller: MemoryTransport
  readonly callee: MemoryTransport
  readonly from: Member
  readonly to: Member
  readonly attempt: number
  readonly gone: () => void
}

/** One direction between two incarnations: messages in order until it breaks. */
export class MemoryLink {
  readonly caller: MemoryTransport
  readonly callee: MemoryTransport
  readonly from: Member
  readonly to: Member
  readonly attempt: number
  /** Somebody looks after `silentMs` whether anything passes again. */
  watched = false
  readonly #network: MemoryNetwork
  readonly #gone: () => void
  #queue: QueuedMessage[] = []
  #bytes = 0
  /** Steps that are scheduled and will each deliver one message. */
  #scheduled = 0
  #open = true

  constructor(network: MemoryNetwork, { caller, callee, from, to, attempt, gone }: MemoryLinkOptions) {
    this.#network = network
    this.caller = caller
    this.callee = callee
    this.from = from
    this.to = to
    this.attempt = attempt
    this.#gone = gone
  }

  get isOpen(): boolean {
    return this.#open
  }

  get queuedBytes(): number {
    return this.#bytes
  }

  /** false: over the bound; the message was not taken. */
  push(message: Message): boolean {
    const bytes = messageBytes(message)
    if (this.#bytes + bytes > this.#network.limits.queueBytes) return false
    this.#queue.push({ message, bytes })
    this.#bytes += bytes
    this.pump()
    return true
  }

  /** Sees to it that everything that waits is on its way, if the way is free. */
  pump(): void {
    if (!this.#open || !this.#network.passable(this) || this.callee.paused) return
    for (; this.#scheduled < this.#queue.length; this.#scheduled += 1) {
      const { address: from } = this.caller
      this.#network.schedule({ from, to: this.callee.address, what: 'message', run: () => this.#deliver() })
    }
  }

  /** Both ends lose it; the caller hears so. */
  break(reason: string): void {
    if (!this.#open) return
    this.drop()
    const run = (): void => this.caller.broken(this, reason)
    this.#network.schedule({ from: this.callee.address, to: this.caller.address, what: 'break', run })
  }

  /** The caller knows or is gone. */
  drop(): void {
    this.#open = false
    this.#queue = []
    this.#bytes = 0
    this.#gone()
  }

  #deliver(): void {
    this.#scheduled -= 1
    if (!this.#open || !this.#network.passable(this) || this.callee.paused) return
    const next = this.#queue.shift()
    if (next === undefined) return
    this.#bytes -= next.bytes
    this.callee.receive(this.from, next.message)
  }
}

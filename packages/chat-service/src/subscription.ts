import type { MailboxReader } from '@chatroom/state-machine'
import { type CaughtUp, DeliveryEncoder, type SubscribeRequest } from '@chatroom/transport-grpc/chat'
import type { ServerWritableStream } from '@grpc/grpc-js'
import type { Malformed } from './definition.ts'
import type { ChatFailure } from './failure.ts'
import type { ServiceLimits } from './limits.ts'

/** What it writes is encoded already. */
export type SubscribeCall = ServerWritableStream<SubscribeRequest | Malformed, Buffer>

/**
 * One `Subscribe` call: a cursor in a mailbox. Messages stay in the mailbox; what the network has not taken yet is at most one batch.
 * It has no timer and no queue, so that thousands of idle ones cost nothing but their stream.
 */
export class Subscription {
  readonly #call: SubscribeCall
  readonly #mailbox: MailboxReader
  readonly #follow: boolean
  readonly #limits: Pick<ServiceLimits, 'deliveryBatchMessages' | 'deliveryBatchBytes'>
  readonly #now: () => number
  readonly #onClose: () => void
  /** Sequence number of the last message written. */
  #cursor: number
  /** Last sequence number at the beginning; null once the client was told that it has caught up. */
  #target: number | null
  /** When the batch was written that the network has not taken yet. */
  #stalledSince: number | null = null
  #closed = false

  constructor(options: {
    readonly call: SubscribeCall
    readonly mailbox: MailboxReader
    readonly afterSequence: number
    readonly follow: boolean
    readonly limits: Pick<ServiceLimits, 'deliveryBatchMessages' | 'deliveryBatchBytes'>
    readonly now: () => number
    readonly onClose: () => void
  }) {
    const { call, mailbox } = options
    this.#call = call
    this.#mailbox = mailbox
    this.#cursor = options.afterSequence
    this.#target = mailbox.lastSequence
    this.#follow = options.follow
    this.#limits = options.limits
    this.#now = options.now
    this.#onClose = options.onClose
    call.on('cancelled', () => this.#close())
  }

  get stalledSince(): number | null {
    return this.#closed ? null : this.#stalledSince
  }

  get peer(): string {
    return this.#call.getPeer()
  }

  /** Writes what has come, as far as the network takes it. */
  deliver(): void {
    const { deliveryBatchMessages, deliveryBatchBytes } = this.#limits
    while (this.#stalledSince === null && !this.#closed) {
      const { lastSequence, waiting, bytes } = this.#mailbox.state
      // Until the client is told that it has caught up, nothing comes but what waited when the stream began.
      const unread = (this.#target ?? lastSequence) - Math.max(this.#cursor, lastSequence - waiting)
      if (unread <= 0 && this.#target === null) return
      const messages = Math.min(deliveryBatchMessages, Math.max(0, unread))
      const textBytes = (bytes / Math.max(1, waiting)) * messages
      const delivery = new DeliveryEncoder(messages, Math.min(deliveryBatchBytes, textBytes))
      this.#mailbox.show(this.#cursor, messages, deliveryBatchBytes, delivery)
      if (this.#target === null) this.#write(delivery)
      else this.#catchUp(delivery, this.#target)
    }
  }

  /** Ends the stream with this failure, after what has been written. */
  end(failure: ChatFailure): void {
    if (this.#closed) return
    this.#call.emit('error', failure.toServiceError())
    this.#close()
  }

  /** Messages up to `target` waited when the stream began; after the last of them the client is told. */
  #catchUp(delivery: DeliveryEncoder, target: number): void {
    if (delivery.last > 0 && delivery.last < target) {
      this.#write(delivery)
      return
    }
    this.#target = null
    this.#write(delivery, { lastSequence: target })
    if (this.#follow) return
    this.#call.end()
    this.#close()
  }

  #write(delivery: DeliveryEncoder, caughtUp?: CaughtUp): void {
    this.#cursor = Math.max(this.#cursor, delivery.last)
    this.#stalledSince = this.#now()
    this.#call.write(delivery.finish(caughtUp), () => {
      this.#stalledSince = null
      this.deliver()
    })
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#onClose()
  }
}

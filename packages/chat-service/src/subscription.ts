import type { MailboxMessage, MailboxReader } from '@chatroom/state-machine'
import type { SubscribeRequest, SubscribeResponse } from '@chatroom/transport-grpc/chat'
import type { ServerWritableStream } from '@grpc/grpc-js'
import type { Malformed } from './definition.ts'
import type { ChatFailure } from './failure.ts'
import type { ServiceLimits } from './limits.ts'

export type SubscribeCall = ServerWritableStream<SubscribeRequest | Malformed, SubscribeResponse>

/**
 * One `Subscribe` call: a cursor in a mailbox. Messages stay in the mailbox; what is held here is at most one batch that the network has not taken yet.
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
  #batch: readonly MailboxMessage[] = []
  #next = 0
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
    call.on('drain', () => {
      this.#stalledSince = null
      this.deliver()
    })
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
    while (this.#stalledSince === null && !this.#closed) {
      const message = this.#batch[this.#next] ?? this.#refill()
      if (this.#target !== null && (message === undefined || message.sequence > this.#target)) {
        this.#caughtUp(this.#target)
        continue
      }
      if (message === undefined) return
      this.#next++
      this.#cursor = message.sequence
      this.#write({
        event: {
          $case: 'message',
          value: {
            sequence: message.sequence,
            messageId: message.messageId,
            from: message.from,
            text: message.text,
            sentAtMs: message.sentAtMs,
          },
        },
      })
    }
  }

  /** Ends the stream with this failure, after what has been written. */
  end(failure: ChatFailure): void {
    if (this.#closed) return
    this.#call.emit('error', failure.toServiceError())
    this.#close()
  }

  #caughtUp(lastSequence: number): void {
    this.#target = null
    this.#write({ event: { $case: 'caughtUp', value: { lastSequence: lastSequence } } })
    if (this.#follow) return
    this.#call.end()
    this.#close()
  }

  #write(response: SubscribeResponse): void {
    if (!this.#call.write(response)) this.#stalledSince = this.#now()
  }

  #refill(): MailboxMessage | undefined {
    this.#next = 0
    this.#batch = this.#mailbox.read(
      this.#cursor,
      this.#limits.deliveryBatchMessages,
      this.#limits.deliveryBatchBytes,
    )
    return this.#batch[0]
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#batch = []
    this.#onClose()
  }
}

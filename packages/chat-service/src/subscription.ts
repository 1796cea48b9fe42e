import type { MailboxMessage, MailboxReader } from '@chatroom/state-machine'
import type { CaughtUp, SubscribeRequest, SubscribeResponse } from '@chatroom/transport-grpc/chat'
import type { ServerWritableStream } from '@grpc/grpc-js'
import type { Malformed } from './definition.ts'
import type { ChatFailure } from './failure.ts'
import type { ServiceLimits } from './limits.ts'

export type SubscribeCall = ServerWritableStream<SubscribeRequest | Malformed, SubscribeResponse>

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
    while (this.#stalledSince === null && !this.#closed) {
      const batch = this.#mailbox.read(
        this.#cursor,
        this.#limits.deliveryBatchMessages,
        this.#limits.deliveryBatchBytes,
      )
      if (this.#target !== null) this.#catchUp(batch, this.#target)
      else if (batch.length > 0) this.#write(batch, undefined)
      else return
    }
  }

  /** Ends the stream with this failure, after what has been written. */
  end(failure: ChatFailure): void {
    if (this.#closed) return
    this.#call.emit('error', failure.toServiceError())
    this.#close()
  }

  /** Messages up to `target` waited when the stream began; after the last of them the client is told. */
  #catchUp(batch: readonly MailboxMessage[], target: number): void {
    const last = batch.at(-1)
    if (last !== undefined && last.sequence < target) {
      this.#write(batch, undefined)
      return
    }
    this.#target = null
    this.#write(
      batch.filter(({ sequence }) => sequence <= target),
      { lastSequence: target },
    )
    if (this.#follow) return
    this.#call.end()
    this.#close()
  }

  #write(batch: readonly MailboxMessage[], caughtUp: CaughtUp | undefined): void {
    this.#cursor = batch.at(-1)?.sequence ?? this.#cursor
    this.#stalledSince = this.#now()
    this.#call.write({ messages: [...batch], caughtUp }, () => {
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

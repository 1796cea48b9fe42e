import type { Chat, LiveSession } from '@chatroom/state-machine'
import type { ServiceContext } from './context.ts'
import { ChatFailure } from './failure.ts'
import { OpenStreams } from './open-streams.ts'
import { type SubscribeCall, Subscription } from './subscription.ts'

/** All subscriptions on this replica, and whom to wake when a message arrives. */
export class Subscriptions {
  readonly streams: OpenStreams
  readonly #context: ServiceContext
  readonly #byAccount = new Map<number, Set<Subscription>>()
  /** Accounts whose subscriptions have something to write, collected until the work at hand is done. */
  #arrived = new Set<number>()

  constructor(context: ServiceContext) {
    const { subscriptions, subscriptionsPerSession, retryAfterMs } = context.limits
    this.#context = context
    this.streams = new OpenStreams({
      perSession: subscriptionsPerSession,
      total: subscriptions,
      retryAfterMs,
    })
  }

  /** Opens a subscription on the state of a linearizable read. Throws a `ChatFailure` if it may not be. */
  open(chat: Chat, session: LiveSession, call: SubscribeCall, afterSequence: number, follow: boolean): void {
    const { sessionId, accountId } = session
    const mailbox = chat.mailbox(accountId)
    if (afterSequence > mailbox.lastSequence) {
      throw new ChatFailure(
        'INVALID_ARGUMENT',
        `after_sequence ${afterSequence} lies beyond the last message of this mailbox, ${mailbox.lastSequence}: begin at 0.`,
      )
    }
    this.streams.admit(sessionId)
    const subscription = new Subscription({
      call,
      mailbox,
      afterSequence,
      follow,
      limits: this.#context.limits,
      now: () => this.#context.clock.now(),
      onClose: () => {
        this.streams.remove(sessionId, subscription)
        const siblings = this.#byAccount.get(accountId)
        siblings?.delete(subscription)
        if (siblings?.size === 0) this.#byAccount.delete(accountId)
      },
    })
    this.streams.add(sessionId, subscription)
    const siblings = this.#byAccount.get(accountId)
    if (siblings === undefined) this.#byAccount.set(accountId, new Set([subscription]))
    else siblings.add(subscription)
    subscription.deliver()
  }

  /** A message was committed and applied: its readers hear of it after the work at hand, once for however many came. */
  messageArrived(accountId: number): void {
    if (!this.#byAccount.has(accountId)) return
    if (this.#arrived.size === 0) this.#context.clock.soon(() => this.#deliver())
    this.#arrived.add(accountId)
  }

  #deliver(): void {
    const accounts = this.#arrived
    this.#arrived = new Set()
    for (const accountId of accounts) {
      for (const subscription of this.#byAccount.get(accountId) ?? []) subscription.deliver()
    }
  }
}

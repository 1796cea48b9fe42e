import {
  ChatServiceService,
  cancelSoon,
  type Message,
  type SubscribeResponse,
} from '@chatroom/transport-grpc/chat'
import type { ClientReadableStream } from '@grpc/grpc-js'
import type { Acknowledger } from './acknowledger.ts'
import type { ChatError } from './error.ts'
import { endedInPeace, type Failure, failureOfCall, leftBehind } from './failure.ts'
import { onAbort } from './on-abort.ts'
import { outOfTime, type RequestParts, settle } from './request.ts'
import { openScope, type Scope } from './scope.ts'
import type { Tenure } from './tenure.ts'

/** A message in the mailbox of whoever is logged in. */
export interface InboxMessage {
  /** Position in the mailbox, from 1. */
  readonly sequence: number
  /** Unique in the cluster. */
  readonly id: string
  readonly from: string
  /** Whatever the sender typed: control characters too. */
  readonly text: string
  /** When the leader took it. */
  readonly sentAt: Date
  /**
   * Removes this message *and all before it* from the mailbox, in the background; several are acknowledged by one request. The promise resolves when
   * that is durable and need not be looked at: a message that stays unacknowledged comes again. To wait for each makes a loop as slow as 20 messages a second.
   */
  acknowledge(): Promise<void>
}

/** Which messages, and for how long. */
export interface InboxOptions {
  /** Only messages with a greater sequence number. Default 0: all that wait. */
  readonly after?: number
  /** False: end after the messages that wait now. Default true: go on with those that arrive, through any failover. */
  readonly follow?: boolean
  /** Ends the iteration with a `ChatError`, code `aborted`. */
  readonly signal?: AbortSignal
  /** With `follow`: called once, when the messages that waited at the beginning have all been taken. */
  readonly onCaughtUp?: () => void
}

export interface InboxParts extends RequestParts {
  readonly token: string
  readonly ended: AbortSignal
  readonly onSessionEnded: (error: ChatError) => void
  readonly acknowledger: Acknowledger
}

/**
 * The messages of a mailbox in order, each once: after a failover the subscription resumes behind the last one that was taken. Reads from the network
 * only as fast as messages are taken.
 * @throws ChatError
 */
export async function* readInbox(
  parts: InboxParts,
  options: InboxOptions,
): AsyncGenerator<InboxMessage, void, void> {
  const follow = options.follow ?? true
  // A subscription has no end; reading what waits has the time of a request for each message.
  const timeoutMs = follow ? null : parts.requestTimeoutMs
  const scope = openScope(timeoutMs, [options.signal, parts.ended])
  let after = options.after ?? 0
  let caughtUp = false
  let failures = 0
  let last: Failure | null = null
  try {
    for (;;) {
      const tenure = await parts.finder.leader(scope.signal)
      const subscription = new Subscription(parts, tenure, scope, { after, follow })
      try {
        for await (const event of subscription.events) {
          subscription.heard()
          failures = 0
          for (const message of event.messages) {
            if (message.sequence <= after) continue
            // What has come already is not shown to somebody who wants no more.
            scope.signal.throwIfAborted()
            after = message.sequence
            scope.limit(null)
            yield inboxMessage(message, parts.acknowledger)
            scope.limit(timeoutMs)
          }
          if (event.caughtUp !== undefined) {
            subscription.isCaughtUp()
            if (!caughtUp) options.onCaughtUp?.()
            caughtUp = true
            if (!follow) return
          }
        }
        if (!follow) return
        last = endedInPeace
      } catch (error) {
        last = subscription.left ? leftBehind : failureOfCall(error)
        if (last === null) throw error
      } finally {
        subscription.close()
      }
      scope.signal.throwIfAborted()
      if (last.kind === 'refused' && last.error.endsSession) parts.onSessionEnded(last.error)
      await settle(parts.finder, tenure, last, failures++, scope.signal)
    }
  } catch (error) {
    throw scope.expired && timeoutMs !== null ? outOfTime(parts.finder, last, timeoutMs, null) : error
  } finally {
    scope.close()
  }
}

/** One stream from one replica. */
class Subscription {
  readonly events: AsyncIterable<SubscribeResponse>
  readonly #stream: ClientReadableStream<SubscribeResponse>
  readonly #forget: () => void
  readonly #silence: NodeJS.Timeout
  #heard = false
  /** True if it was given up because the replica leads no more. */
  left = false

  constructor(
    parts: InboxParts,
    tenure: Tenure,
    scope: Scope,
    { after, follow }: { readonly after: number; readonly follow: boolean },
  ) {
    const { signal } = scope
    this.#stream = tenure.channel.serverStream(
      ChatServiceService.subscribe,
      { afterSequence: after, follow },
      parts.token,
    )
    this.events = this.#stream
    const cancel = (): void => cancelSoon(this.#stream)
    const leave = (): void => {
      this.left = true
      cancel()
    }
    const forget = tenure.onEnd(leave)
    const forgetSignal = onAbort(signal, cancel)
    this.#forget = () => {
      forget()
      forgetSignal()
    }
    // Until it has caught up a replica has something to say; after that silence is normal and the keepalive watches.
    this.#silence = setInterval(() => {
      if (!this.#heard && !this.#stream.isPaused()) parts.finder.doubt(tenure, parts.tryTimeoutMs)
      this.#heard = false
    }, parts.tryTimeoutMs)
    if (signal.aborted) cancel()
  }

  heard(): void {
    this.#heard = true
  }

  isCaughtUp(): void {
    clearInterval(this.#silence)
  }

  close(): void {
    clearInterval(this.#silence)
    this.#forget()
    this.#stream.on('error', () => undefined)
    cancelSoon(this.#stream)
  }
}

function inboxMessage(message: Message, acknowledger: Acknowledger): InboxMessage {
  const { sequence } = message
  return {
    sequence,
    id: message.messageId,
    from: message.from,
    text: message.text,
    sentAt: new Date(message.sentAtMs),
    acknowledge: () => acknowledger.acknowledge(sequence),
  }
}

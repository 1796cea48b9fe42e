// Imported: the global one is a getter, which is called for each message.
import { Buffer } from 'node:buffer'
import type { Reply, Send, Success } from '@chatroom/state-machine'
import {
  type SendMessageRequest,
  type SendMessagesRequest,
  SendResultsEncoder,
} from '@chatroom/transport-grpc/chat'
import type { ServerDuplexStream } from '@grpc/grpc-js'
import type { Lane } from './admission.ts'
import { refusalOf } from './chat-replies.ts'
import type { ServiceContext } from './context.ts'
import type { Malformed } from './definition.ts'
import { ChatFailure } from './failure.ts'
import { FollowedCall } from './followed-call.ts'
import { toFailure } from './replica-failures.ts'
import { sendCommand } from './requests.ts'
import { takeSend } from './send-rate.ts'

type Outcome = Extract<Success, { readonly type: 'send' }> | ChatFailure

/** One request of the stream: its answer, once known, waits here for the answers of those before it. */
interface Slot {
  readonly requestId: string
  /** Of its text. */
  readonly bytes: number
  outcome: Outcome | null
  /** The trace it is part of; null: it is not followed. */
  readonly followed: FollowedCall | null
}

type Call = ServerDuplexStream<SendMessagesRequest | Malformed, Buffer>

/**
 * One `SendMessages` call. Requests are proposed as they come, without waiting for each other; answers leave in the order of the requests.
 *
 * After a failure that a retry may heal nothing further is proposed and the stream ends with that failure as its last answer: everything after it is the
 * client's to send again, in its order, under the same request ids.
 *
 * At most `requestsInFlightPerSession` requests have no written answer; beyond, or when all sessions together are at their bound, the stream is not read
 * until there is room.
 */
export class SendStream {
  readonly #call: Call
  readonly #sessionId: number
  readonly #accountId: number
  readonly #lane: Lane
  readonly #context: ServiceContext
  readonly #onClose: () => void
  /** In the order of the requests; the first `#answered` have been written. */
  #slots: Slot[] = []
  #answered = 0
  /** Messages that were read, of which those from `#stalledFrom` on found no room. */
  #stalled: readonly SendMessageRequest[] = []
  #stalledFrom = 0
  /** Answers are going to be written, after the work at hand: those of one commit leave together. */
  #answering = false
  /** The client half-closed: nothing more will come. */
  #inputEnded = false
  /** How the call ends once everything under way is answered. */
  #ending: ChatFailure | null = null
  /** When the answers were written that the network has not taken yet: the next ones wait for that, and leave together. */
  #stalledSince: number | null = null
  #closed = false

  constructor(
    call: Call,
    { sessionId, accountId }: { readonly sessionId: number; readonly accountId: number },
    context: ServiceContext,
    onClose: () => void,
  ) {
    this.#call = call
    this.#sessionId = sessionId
    this.#accountId = accountId
    this.#context = context
    this.#onClose = onClose
    this.#lane = context.admission.lane(sessionId)
    call.on('data', (request: SendMessagesRequest | Malformed) => this.#take(request))
    call.on('end', () => {
      this.#inputEnded = true
      this.#endIfDone()
    })
    call.on('cancelled', () => this.#close())
  }

  get stalledSince(): number | null {
    return this.#closed ? null : this.#stalledSince
  }

  get peer(): string {
    return this.#call.getPeer()
  }

  /** Ends the call with this failure, after the answers to what is under way. Nothing further is taken. */
  end(failure: ChatFailure): void {
    this.#refuseFurther(failure)
    this.#endIfDone()
  }

  #take(request: SendMessagesRequest | Malformed): void {
    if (this.#closed || this.#ending !== null) return
    if ('malformed' in request) {
      this.#context.onRefusal('INVALID_ARGUMENT')
      this.end(new ChatFailure('INVALID_ARGUMENT', request.malformed))
      return
    }
    this.#takeAll(request.messages, 0)
  }

  /** As far as there is room; the stream is not read on before there is room for the rest. What is taken here is proposed together. */
  #takeAll(messages: readonly SendMessageRequest[], from: number): void {
    const slots: Slot[] = []
    const commands: Send[] = []
    for (let at = from; at < messages.length && this.#ending === null; at++) {
      const message = messages[at]
      if (message === undefined) break
      const bytes = Buffer.byteLength(message.text)
      if (!this.#lane.enter(bytes)) {
        this.#stalled = messages
        this.#stalledFrom = at
        this.#call.pause()
        this.#lane.whenRoom(this.#retry)
        break
      }
      const { tracing } = this.#context
      const followed =
        tracing === null ? null : FollowedCall.from(tracing, 'sendMessages', message.traceparent ?? '')
      const slot: Slot = { requestId: message.requestId, bytes, outcome: null, followed }
      this.#slots.push(slot)
      const command = sendCommand(this.#sessionId, message)
      const refused = command instanceof ChatFailure ? command : takeSend(this.#context, this.#accountId)
      if (refused !== null) this.#settle(slot, refused)
      else if (!(command instanceof ChatFailure)) {
        slots.push(slot)
        commands.push(command)
      }
    }
    this.#propose(slots, commands)
  }

  #propose(slots: readonly Slot[], commands: readonly Send[]): void {
    if (commands.length === 0) return
    const settle = (at: number, outcome: Outcome): void => {
      const slot = slots[at]
      if (slot !== undefined) this.#settle(slot, outcome)
    }
    const failed = (error: unknown): ChatFailure => toFailure(error, this.#context.onFault)
    let refused: unknown
    try {
      refused = this.#context.replica.proposeAll(
        commands,
        {
          replied: (at, reply) => settle(at, outcomeOf(reply)),
          failed: (at, error) => settle(at, failed(error)),
        },
        this.#context.tracing === null ? undefined : tracesOf(slots),
      )
    } catch (error) {
      refused = error
    }
    if (refused === null) return
    const failure = failed(refused)
    for (const slot of slots) this.#settle(slot, failure)
  }

  readonly #retry = (): void => {
    const messages = this.#stalled
    if (messages.length === 0) return
    this.#stalled = []
    this.#takeAll(messages, this.#stalledFrom)
    if (this.#stalled.length === 0) this.#call.resume()
  }

  #settle(slot: Slot, outcome: Outcome): void {
    slot.outcome = outcome
    slot.followed?.settled()
    if (outcome instanceof ChatFailure) {
      this.#context.onRefusal(outcome.reason)
      if (outcome.retriable) this.#refuseFurther(outcome)
    }
    this.#lane.settled(slot.bytes)
    if (this.#answering) return
    this.#answering = true
    // Not `queueMicrotask`: it makes an AsyncResource each time.
    process.nextTick(() => {
      this.#answering = false
      this.#answer()
    })
  }

  #refuseFurther(failure: ChatFailure): void {
    this.#ending ??= failure
    this.#stalled = []
    // What still comes is read and dropped, so that the client's flow control does not keep it from hearing the end.
    this.#call.resume()
  }

  /** Writes the answers that are next in order and known. */
  #answer(): void {
    if (this.#stalledSince !== null || this.#closed) return
    const known = this.#known()
    if (known.length > 0) {
      let results: Buffer
      try {
        results = encodeResults(known)
      } catch (error) {
        this.#call.emit('error', toFailure(error, this.#context.onFault).toServiceError())
        this.#close()
        return
      }
      for (const { followed, outcome } of known)
        followed?.answered(outcome instanceof ChatFailure ? outcome.reason : undefined)
      this.#answered += known.length
      this.#write(results)
    }
    if (known.some(({ outcome }) => isLast(outcome))) {
      this.#call.end()
      this.#close()
    } else {
      this.#forgetAnswered()
      this.#endIfDone()
    }
    // Last, because each may take the next requests.
    for (const _ of known) this.#lane.answered()
  }

  /** What is next in order and settled. */
  #known(): Slot[] {
    const known: Slot[] = []
    for (let at = this.#answered; at < this.#slots.length; at++) {
      const slot = this.#slots[at]
      if (slot === undefined || slot.outcome === null) break
      known.push(slot)
      if (isLast(slot.outcome)) break
    }
    return known
  }

  #write(results: Buffer): void {
    this.#stalledSince = this.#context.clock.now()
    this.#call.write(results, () => {
      this.#stalledSince = null
      this.#answer()
    })
  }

  /** Gives the memory of written answers back, now and then instead of one by one. */
  #forgetAnswered(): void {
    if (this.#answered === this.#slots.length) this.#slots = []
    else if (this.#answered >= 256) this.#slots = this.#slots.slice(this.#answered)
    else return
    this.#answered = 0
  }

  #endIfDone(): void {
    if (this.#closed || this.#answered < this.#slots.length) return
    if (this.#ending !== null) this.#call.emit('error', this.#ending.toServiceError())
    else if (this.#inputEnded && this.#stalled.length === 0) this.#call.end()
    else return
    this.#close()
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#stalled = []
    // Answers that will not be written any more; those of proposals still under way give their bytes back when they settle.
    for (const { followed } of this.#slots.slice(this.#answered)) {
      followed?.left()
      this.#lane.answered()
    }
    this.#slots = []
    this.#answered = 0
    this.#lane.release(this.#retry)
    this.#onClose()
  }
}

function outcomeOf(reply: Reply): Outcome {
  if (!reply.ok) return refusalOf(reply)
  return reply.type === 'send' ? reply : new ChatFailure('INTERNAL', 'A fault of the server: see its log.')
}

/** What the replica is to follow each of them as. */
function tracesOf(slots: readonly Slot[]): (string | null)[] {
  return slots.map(({ followed }) => followed?.checked() ?? null)
}

/** After a failure that a retry may heal nothing is answered any more. */
function isLast(outcome: Outcome | null): boolean {
  return outcome instanceof ChatFailure && outcome.retriable
}

function encodeResults(slots: readonly Slot[]): Buffer {
  const results = new SendResultsEncoder(slots.length)
  for (const { requestId, outcome } of slots) {
    if (outcome instanceof ChatFailure) results.failed(requestId, outcome.toMessageError())
    else if (outcome !== null) results.sent(requestId, outcome.messageId, outcome.recipientOnline)
  }
  return results.finish()
}

import { randomUUID } from 'node:crypto'
import {
  leaveStream,
  readChatMessageError,
  type SendMessageRequest,
  type SendMessagesRequest,
  type SendMessagesResponse,
  type SendResult,
  sendMessagesMethod,
} from '@chatroom/transport-grpc/chat'
import type { ClientDuplexStream } from '@grpc/grpc-js'
import { ChatError } from './error.ts'
import { endedInPeace, type Failure, failureOf, failureOfCall, leftBehind } from './failure.ts'
import { FollowedRequest } from './followed-request.ts'
import { onAbort } from './on-abort.ts'
import { Outbox, type Outgoing } from './outbox.ts'
import { outOfTime, type RequestParts, settle } from './request.ts'
import { abortedBy, openScope, watchEnd } from './scope.ts'
import type { Tenure } from './tenure.ts'

/** What to send, and how long to try. */
export interface SendOptions {
  /** Ends the wait. A message that is already under way may still be delivered. */
  readonly signal?: AbortSignal
  /** Milliseconds with all tries, from now. Default: the client's `requestTimeoutMs`. */
  readonly timeoutMs?: number
  /** 1 to 64 bytes, unique in the session. Default: a random UUID. Give one to find out later what became of a message. */
  readonly requestId?: string
}

/** What became of a message. */
export interface Sent {
  /** Unique in the cluster. Its reader sees the same. */
  readonly id: string
  /** Whether its recipient was logged in when the replicas took it. If not, it waits for the next login. */
  readonly recipientOnline: boolean
}

export interface SenderParts extends RequestParts {
  readonly token: string
  readonly maximumInFlight: number
  readonly maximumQueued: number
  /** Aborted when the session is over. */
  readonly ended: AbortSignal
  /** An answer said that the session is over. */
  readonly onSessionEnded: (error: ChatError) => void
}

/** Bytes of messages that may wait in one client. */
const maximumBytes = 32 * 1024 * 1024
/** The servers' bound. What is far over it would not even reach them: gRPC refuses 4 MiB. */
const maximumTextBytes = 65_536
/** A frame is closed when it has so many bytes, or messages. With one more text in it, it is far below what servers take. */
const frameBytes = 64 * 1024
const frameMessages = 256
/** What a message takes besides its text and its recipient, bytes, roughly. */
const overheadBytes = 128

interface Item extends Outgoing {
  readonly to: string
  readonly text: string
  /** True if it may have been delivered by a try whose fate is unknown. */
  uncertain: boolean
  /** null: nobody follows it. */
  readonly followed: FollowedRequest | null
  readonly settle: (result: Sent | ChatError) => void
}

/** Sends the messages of one session over one stream, in order and exactly once, through any failover. */
export class Sender {
  readonly #parts: SenderParts
  readonly #outbox: Outbox<Item>
  readonly #roomWaiters = new Set<() => void>()
  #running = false
  /** Writes what may go out; does nothing while no stream is open. */
  #pump: () => void = () => undefined
  /** Stops looking for a leader for nobody. */
  #idle = new AbortController()
  #last: Failure | null = null

  constructor(parts: SenderParts) {
    this.#parts = parts
    this.#outbox = new Outbox({
      inFlight: parts.maximumInFlight,
      queued: parts.maximumQueued,
      bytes: maximumBytes,
    })
    onAbort(parts.ended, () => this.#failAll())
  }

  /** @throws ChatError */
  send(to: string, text: string, options: SendOptions): Promise<Sent> {
    const { ended } = this.#parts
    const { signal, timeoutMs = this.#parts.requestTimeoutMs } = options
    return new Promise((resolve, reject) => {
      let forgetEnd = (): void => undefined
      const textBytes = Buffer.byteLength(text)
      const { tracer } = this.#parts
      const followed = tracer === null ? null : FollowedRequest.begin(tracer, sendMessagesMethod.path)
      const item: Item = {
        requestId: options.requestId ?? randomUUID(),
        to,
        text,
        uncertain: false,
        followed,
        bytes: overheadBytes + Buffer.byteLength(to) + textBytes,
        settle: (result) => {
          forgetEnd()
          followed?.end(result instanceof ChatError ? result : null)
          if (result instanceof ChatError) reject(result)
          else resolve(result)
        },
      }
      if (ended.aborted || signal?.aborted) {
        item.settle(ended.aborted ? errorOf(ended.reason) : abortedBy(signal))
        return
      }
      if (textBytes > maximumTextBytes) {
        const message = `The text has ${textBytes} bytes; ${maximumTextBytes} is the most.`
        item.settle(new ChatError('invalid text', message))
        return
      }
      if (!this.#outbox.offer(item)) {
        item.settle(
          new ChatError('queue full', 'Too many messages wait to be sent: wait for sendable() first.'),
        )
        return
      }
      // The end of the session settles all messages at once, see `#failAll`.
      forgetEnd = watchEnd(timeoutMs, signal, (reason) => {
        if (this.#outbox.giveUp(item)) item.uncertain = true
        item.settle(reason === 'expired' ? this.#outOfTime(item, timeoutMs) : reason)
        this.#afterChange()
      })
      this.#pump()
      if (!this.#running) void this.#run()
    })
  }

  /** Resolves when another message would be taken. Rejects with the signal's reason. */
  async sendable(signals: readonly (AbortSignal | undefined)[]): Promise<void> {
    await this.#until(() => this.#outbox.hasRoom(overheadBytes), signals)
  }

  /** Resolves when every message has its answer. Rejects with the signal's reason. */
  async settled(signals: readonly (AbortSignal | undefined)[]): Promise<void> {
    await this.#until(() => this.#outbox.isEmpty, signals)
  }

  async #until(holds: () => boolean, signals: readonly (AbortSignal | undefined)[]): Promise<void> {
    if (holds()) return
    const scope = openScope(null, [...signals, this.#parts.ended])
    try {
      await new Promise<void>((resolve, reject) => {
        const check = (): void => {
          if (scope.signal.aborted) reject(errorOf(scope.signal.reason))
          else if (!holds()) return
          else resolve()
          this.#roomWaiters.delete(check)
        }
        this.#roomWaiters.add(check)
        onAbort(scope.signal, check)
        check()
      })
    } finally {
      scope.close()
    }
  }

  #outOfTime(item: Item, timeoutMs: number): ChatError {
    return outOfTime(this.#parts.finder, this.#last, timeoutMs, item.uncertain ? item.requestId : null)
  }

  #afterChange(): void {
    if (this.#roomWaiters.size > 0) for (const check of [...this.#roomWaiters]) check()
    // Told once: each `abort` makes an exception, also of a controller that has been told.
    if (this.#outbox.isEmpty && !this.#idle.signal.aborted) this.#idle.abort()
  }

  #failAll(): void {
    const reason = errorOf(this.#parts.ended.reason)
    for (const item of this.#outbox.clear()) item.settle(reason)
    this.#afterChange()
  }

  /** One stream after the other, as long as there is something to send and while the last stream holds. */
  async #run(): Promise<void> {
    this.#running = true
    const { finder, ended } = this.#parts
    let failures = 0
    while (!ended.aborted && !this.#outbox.isEmpty) {
      this.#idle = new AbortController()
      const scope = openScope(null, [ended, this.#idle.signal])
      try {
        const tenure = await finder.leader(scope.signal)
        const { failure, answers } = await this.#stream(tenure)
        const inFlight = this.#outbox.rewind()
        if (failure.kind !== 'refused' && !failure.undone) for (const item of inFlight) item.uncertain = true
        failures = answers > 0 ? 0 : failures + 1
        this.#last = failure
        if (failure.kind === 'refused') this.#refuse(failure.error)
        else await settle(finder, tenure, failure, failures, scope.signal)
      } catch (error) {
        // Nobody waits any more, or the session is over; anything else is a mistake in here.
        if (!scope.signal.aborted) throw error
      } finally {
        scope.close()
      }
    }
    this.#running = false
  }

  /** The whole stream was refused, so every message of it is. */
  #refuse(error: ChatError): void {
    if (error.endsSession) this.#parts.onSessionEnded(error)
    for (const item of this.#outbox.clear()) item.settle(error)
    this.#afterChange()
  }

  /** Opens a stream and keeps it until it breaks. Resolves with why. */
  #stream(tenure: Tenure): Promise<{ failure: Failure; answers: number }> {
    const { finder, ended, tryTimeoutMs, token } = this.#parts
    return new Promise((resolve) => {
      const stream = tenure.channel.duplexStream(sendMessagesMethod, token)
      let answers = 0
      const silence = setInterval(() => {
        if (this.#outbox.inFlight > 0) finder.doubt(tenure, tryTimeoutMs)
      }, tryTimeoutMs)
      silence.unref()

      let open = true
      const finish = (failure: Failure): void => {
        if (!open) return
        open = false
        this.#pump = () => undefined
        clearInterval(silence)
        forget()
        forgetEnd()
        leaveStream(stream)
        resolve({ failure, answers })
      }
      const leave = (): void => finish(leftBehind)
      const forgetEnd = onAbort(ended, leave)
      const forget = tenure.onEnd(leave)

      stream.on('data', ({ results }: SendMessagesResponse) => {
        silence.refresh()
        for (const result of results) {
          if (!open) return
          answers++
          const failure = this.#take(result)
          if (failure !== null) finish(failure)
        }
        if (open) this.#pump()
      })
      stream.on('error', (error: unknown) => {
        finish(failureOfCall(error) ?? unexpected('an error that is none of gRPC'))
      })
      stream.on('end', () => finish(endedInPeace))
      if (open) this.#pumpInto(stream)
    })
  }

  #pumpInto(stream: ClientDuplexStream<SendMessagesRequest, SendMessagesResponse>): void {
    let full = false
    let gathering = false
    const write = (): void => {
      gathering = false
      while (!full) {
        const messages = this.#nextFrame()
        if (messages.length === 0) return
        full = !stream.write({ messages })
      }
    }
    // What is sent in one go of the caller, or on one answer, goes out in one piece.
    const pump = (): void => {
      if (gathering) return
      gathering = true
      queueMicrotask(() => {
        if (this.#pump === pump) write()
      })
    }
    this.#pump = pump
    stream.on('drain', () => {
      full = false
      write()
    })
    write()
  }

  /** The next messages to go out: as many as fill a frame. */
  #nextFrame(): SendMessageRequest[] {
    const messages: SendMessageRequest[] = []
    for (let bytes = 0; bytes < frameBytes && messages.length < frameMessages; ) {
      const item = this.#outbox.next()
      if (item === null) break
      bytes += item.bytes
      const { requestId, to, text, followed } = item
      if (followed === null) messages.push({ requestId, to, text })
      else {
        followed.sent()
        messages.push({ requestId, to, text, traceparent: followed.traceparent })
      }
    }
    return messages
  }

  /** Settles one message. @returns why the stream is of no use any more, or null */
  #take({ requestId, result, recipientOnline }: SendResult): Failure | null {
    if (result === undefined) return unexpected(`an answer without a result to ${requestId}`)
    const settled = result.$case === 'error' ? failureOf(readChatMessageError(result.value)) : null
    if (settled !== null && settled.kind !== 'refused') return settled
    const item = this.#outbox.answered(requestId)
    if (item === undefined) return unexpected(`an answer out of order, to ${requestId}`)
    const error = settled?.error
    if (error?.endsSession) this.#parts.onSessionEnded(error)
    item?.settle(error ?? { id: result.$case === 'messageId' ? result.value : '', recipientOnline })
    this.#afterChange()
    return null
  }
}

function unexpected(what: string): Failure {
  return { kind: 'refused', error: new ChatError('not a chat server', `The server gave ${what}.`) }
}

function errorOf(reason: unknown): ChatError {
  return reason instanceof ChatError
    ? reason
    : new ChatError('aborted', 'The caller gave the request up.', { cause: reason })
}

import type { EventEmitter } from 'node:events'
import { type Metadata, status } from '@grpc/grpc-js'
import { headBytes } from '../http2/frames.ts'
import { fillPrefix, sendable } from '../wire/grpc-framing.ts'
import { statusOf } from './headers.ts'
import { type CallSource, ServerCall } from './server-call.ts'

/** Bytes. Of a call whose requests may be long, or many. */
const widestWindow = 1024 * 1024

/** How messages are read and written. */
interface Codec {
  readonly requestDeserialize: (bytes: Buffer) => unknown
  readonly responseSerialize: (value: unknown) => Buffer
}

export interface StreamingCallOptions {
  readonly codec: Codec
  /** Requests are a stream; otherwise there is one, in `request`. */
  readonly requestStream: boolean
  readonly handle: (call: StreamingCall) => void
}

/**
 * A call whose answer is a stream, and its requests perhaps, too. A handler that is written for grpc-js finds the events (`data`, `end`, `drain`, `cancelled`) and methods of a stream here, though it is none of Node's:
 * two of those for each call, and their turns of the event loop for each message, are most of what a call costs.
 *
 * Requests are read once somebody listens to `data`. `emit('error', …)` ends the call with that failure.
 */
export class StreamingCall extends ServerCall {
  /** The one request, if they are no stream. */
  request: unknown = undefined
  readonly #options: StreamingCallOptions
  /** Requests that came and have not been told of, while nobody wants any. */
  #waiting: Buffer[] = []
  #isRead = false
  #flows = false
  #inputEnded = false
  #endTold = false
  #isTelling = false
  /** What was written is not taken: whoever does not read its answers asks no more. */
  #isBlocked = false

  constructor(source: CallSource, options: StreamingCallOptions) {
    super(source)
    this.#options = options
    super.on('error', (failure: unknown) => this.finish(statusOf(failure)))
  }

  protected override read(): void {
    const { codec, requestStream, handle } = this.#options
    if (requestStream) {
      // Until somebody listens.
      this.stream.pause()
      this.input = {
        data: (piece) => this.#take(piece),
        ended: () => {
          this.#inputEnded = true
          this.#tell()
        },
      }
      handle(this)
      return
    }
    this.readOne(codec.requestDeserialize, (request) => {
      this.request = request
      handle(this)
    })
  }

  override on(event: string, listener: Parameters<EventEmitter['on']>[1]): this {
    super.on(event, listener)
    if (event === 'data' && this.#options.requestStream && !this.#isRead) {
      this.#isRead = true
      this.#flows = true
      // Later: whoever listens to this wants to hear of the end, too.
      process.nextTick(() => {
        if (this.#flows) this.resume()
      })
    }
    return this
  }

  /** Tells of no more requests before `resume`, and lets no more come. */
  pause(): this {
    this.#flows = false
    this.stream.pause()
    this.watchRest(false, false)
    return this
  }

  resume(): this {
    this.#flows = true
    this.#readOn()
    return this
  }

  #readOn(): void {
    if (!this.#isRead || !this.#flows || this.#isBlocked || this.isOver) return
    this.stream.resume()
    this.#tell()
    this.#watch(false)
  }

  /** Who begins a request is to end it, if nobody holds it up. */
  #watch(isAnew: boolean): void {
    const isWanted = this.#flows && !this.#isBlocked && !this.isOver && !this.isBetweenRequests
    this.watchRest(isWanted, isAnew)
  }

  /** Of a message, bytes. For what comes from here on. So much may be on its way at once, too, up to 1 MiB. */
  set longestRequest(bytes: number) {
    this.limitRequest(bytes)
    this.stream.widen(Math.min(bytes, widestWindow))
  }

  /** `sent`: called when the network has taken it; never if the call is over before. @returns false: better wait for `drain` */
  write(value: unknown, sent?: () => void): boolean {
    const bytes = this.serialized(this.#options.codec.responseSerialize, value)
    return bytes !== null && this.#send(sendable(bytes), sent)
  }

  /** A message that was written with `roomBytes` before it. */
  writePrefixed(message: Buffer): boolean {
    return this.#send(fillPrefix(message, headBytes))
  }

  end(metadata?: Metadata): this {
    if (this.begin()) this.finish({ code: status.OK, details: '', metadata })
    return this
  }

  #send(bytes: Buffer, sent?: () => void): boolean {
    if (!this.begin()) return false
    const room = this.stream.write(bytes, sent, headBytes)
    if (!room) {
      this.awaitCaller()
      this.#isBlocked = true
      this.stream.pause()
      this.watchRest(false, false)
    }
    return room
  }

  override drained(): void {
    this.#isBlocked = false
    if (!this.isOver) this.callerMoved()
    this.emit('drain')
    this.#readOn()
  }

  #take(piece: Buffer): void {
    const messages = this.messagesIn(piece)
    for (const message of messages) this.#waiting.push(message)
    this.#tell()
    this.#watch(messages.length > 0)
  }

  /** Tells of what has come, as long as it is wanted. */
  #tell(): void {
    // A listener may pause and resume.
    if (this.#isTelling) return
    this.#isTelling = true
    while (this.#flows && !this.#isBlocked && !this.isOver) {
      const message = this.#waiting.shift()
      if (message === undefined) break
      const read = this.deserialized(this.#options.codec.requestDeserialize, message)
      if (read !== null) this.emit('data', read.request)
    }
    this.#isTelling = false
    if (this.isOver) this.#waiting = []
    else if (this.#inputEnded && this.#flows && this.#waiting.length === 0 && !this.#endTold) {
      this.#endTold = true
      if (this.isBetweenRequests) this.emit('end')
      else this.breakOff({ code: status.INTERNAL, details: 'The last request is not whole.' })
    }
  }
}

import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { type PeerCertificate, TLSSocket } from 'node:tls'
import { type Deadline, Metadata, type ServerUnaryCall, status } from '@grpc/grpc-js'
import { wordsOf } from '../errors.ts'
import { errorCode } from '../http2/protocol.ts'
import type { Http2Stream, StreamListener } from '../http2/stream.ts'
import { FramingError, MessageSplitter } from '../wire/grpc-framing.ts'
import type { DeadlinePlace, Deadlines } from './deadlines.ts'
import {
  type CallStatus,
  encodeAnswer,
  encodeOnlyTrailers,
  encodeTrailers,
  faulty,
  metadataOf,
  type RequestFields,
  timeoutOf,
} from './headers.ts'
import type { Limited, TimeLimit } from './time-limit.ts'

/** The connection that a call came over. */
export interface CallConnection {
  readonly socket: Socket
  /** `address:port` of its other end; a socket that is closed does not tell that any more. */
  readonly peer: string
}

/** What every call of a server has. */
export interface CallSource {
  readonly stream: Http2Stream
  /** Names and values in turn. */
  readonly fields: readonly string[]
  readonly request: RequestFields
  readonly connection: CallConnection
  readonly rules: CallRules
}

/** What a caller is told whose request was compressed (https://github.com/grpc/grpc/blob/master/doc/compression.md). */
const uncompressed = new Metadata()
uncompressed.set('grpc-accept-encoding', 'identity')

/** What holds for all calls of a method. */
export interface CallRules {
  /** Of one message, bytes. */
  readonly longestRequest: number
  /** Where a call is watched whose one request has not come. */
  readonly unfinished: TimeLimit<ServerCall> | null
  readonly deadlines: Deadlines
  /** Told of what the program did wrong. */
  readonly onFault: (error: unknown) => void
  /** Where a call is watched whose caller has something to take, or to end. */
  readonly waiting: TimeLimit<ServerCall>
}

/**
 * The answering end of one call: what a handler that is written for grpc-js may ask of it, but for what only its metrics use.
 *
 * Events: `cancelled`, once, if it ends otherwise than by the handler: the caller has left, its deadline is over, or what it sent cannot be read.
 */
export abstract class ServerCall
  extends EventEmitter
  implements
    Pick<
      ServerUnaryCall<unknown, unknown>,
      | 'cancelled'
      | 'metadata'
      | 'getPeer'
      | 'getAuthContext'
      | 'getDeadline'
      | 'getHost'
      | 'getPath'
      | 'sendMetadata'
    >,
    StreamListener
{
  cancelled = false
  /** Milliseconds since 1970. */
  deadline: number = Number.POSITIVE_INFINITY
  /** The same as `performance.now()` has it. */
  endsAt: number = Number.POSITIVE_INFINITY
  readonly #stream: Http2Stream
  readonly #request: RequestFields
  #fields: readonly string[]
  #metadata: Metadata | null = null
  readonly #connection: CallConnection
  readonly #splitter: MessageSplitter
  readonly #rules: CallRules
  /** What takes the request, or the requests; null: nobody, and they are dropped. */
  protected input: Pick<StreamListener, 'data' | 'ended'> | null = null
  /** Of the answer, besides those of gRPC. */
  #first: Metadata | null = null
  #status: CallStatus | null = null
  /** Its places where it is watched. */
  #unfinished: Limited<ServerCall> | null = null
  #inTime: DeadlinePlace | null = null
  #waiting: Limited<ServerCall> | null = null

  constructor({ stream, fields, request, connection, rules }: CallSource) {
    super()
    this.#stream = stream
    this.#fields = fields
    this.#request = request
    this.#connection = connection
    this.#rules = rules
    this.#splitter = new MessageSplitter(rules.longestRequest)
    stream.listen(this)
  }

  /** Read when somebody asks for it: nobody does of a call whose request never comes. */
  get metadata(): Metadata {
    if (this.#metadata === null) {
      this.#metadata = metadataOf(this.#fields)
      this.#fields = []
    }
    return this.#metadata
  }

  getPeer(): string {
    return this.#connection.peer
  }

  getPath(): string {
    return this.#request.path
  }

  getHost(): string {
    return this.#request.authority
  }

  getDeadline(): Deadline {
    return Number.isFinite(this.deadline) ? new Date(this.deadline) : this.deadline
  }

  getAuthContext(): ReturnType<ServerUnaryCall<unknown, unknown>['getAuthContext']> {
    const { socket } = this.#connection
    if (!(socket instanceof TLSSocket && socket.authorized)) return {}
    const certificate: PeerCertificate | null = socket.getPeerCertificate()
    // Without one, or without a connection any more, there is nothing in it.
    if (certificate?.raw === undefined) return { transportSecurityType: 'ssl' }
    return { transportSecurityType: 'ssl', sslPeerCertificate: certificate }
  }

  /** What comes before the answer; without effect once that has begun. */
  sendMetadata(metadata: Metadata): void {
    this.#first = metadata
    this.begin()
  }

  data(bytes: Buffer): void {
    this.input?.data(bytes)
  }

  ended(): void {
    this.input?.ended()
  }

  abstract drained(): void

  closed(): void {
    this.callerMoved()
    this.#gone()
  }

  /** Begins to read. */
  start(): void {
    const timeoutMs = timeoutOf(this.#request)
    if (timeoutMs === null) {
      this.finish({
        code: status.INVALID_ARGUMENT,
        details:
          'grpc-timeout: that is no time (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).',
      })
      return
    }
    if (timeoutMs === 0) {
      this.expire()
      return
    }
    if (Number.isFinite(timeoutMs)) {
      this.deadline = Date.now() + timeoutMs
      this.endsAt = performance.now() + timeoutMs
      this.#inTime = this.#rules.deadlines.add(this)
    }
    this.read()
  }

  expire(): void {
    this.breakOff({ code: status.DEADLINE_EXCEEDED, details: 'Deadline exceeded' })
  }

  /** The caller has had its time to take what was written, or to end its side. */
  tooLate(): void {
    this.breakOff({ code: status.CANCELLED, details: 'The answer was not taken in time.' })
    // Who has all of the answer is only asked to end its side, too (RFC 9113 §8.1).
    this.#stream.reset(this.#stream.isEnded ? errorCode.noError : errorCode.cancel)
  }

  /** From here on there is something for the caller to take, or to end. */
  protected awaitCaller(): void {
    this.#waiting ??= this.#rules.waiting.add(this)
  }

  /** It has taken, or ended, it. */
  protected callerMoved(): void {
    if (this.#waiting !== null) this.#rules.waiting.delete(this.#waiting)
    this.#waiting = null
  }

  protected abstract read(): void

  /** It has ended, or nobody waits for it any more. */
  protected get isOver(): boolean {
    return this.#status !== null
  }

  /** Of a message, bytes. For what comes from here on. */
  protected limitRequest(bytes: number): void {
    this.#splitter.maxBytes = bytes
  }

  protected get stream(): Http2Stream {
    return this.#stream
  }

  /** Of a stream of requests the next has begun, and its rest is wanted; or not. `isAnew`: one came to its end meanwhile. */
  protected watchRest(isWanted: boolean, isAnew: boolean): void {
    if (!isWanted || isAnew) this.#requestEnded()
    if (isWanted) this.#unfinished ??= this.#rules.unfinished?.add(this) ?? null
  }

  /** The messages that are whole by this piece; none if it cannot be read, and then the call is over. */
  protected messagesIn(piece: Buffer): readonly Buffer[] {
    if (this.#status !== null) return []
    try {
      return this.#splitter.push(piece)
    } catch (error) {
      const isLong = error instanceof FramingError && error.fault === 'too long'
      const details = wordsOf(error)
      this.breakOff(
        isLong
          ? { code: status.RESOURCE_EXHAUSTED, details }
          : { code: status.UNIMPLEMENTED, details, metadata: uncompressed },
      )
      return []
    }
  }

  /** Reads the one request of a call, and hands it on when it is whole and nothing comes after it. */
  protected readOne(deserialize: (bytes: Buffer) => unknown, take: (request: unknown) => void): void {
    const excess: CallStatus = {
      code: status.UNIMPLEMENTED,
      details: 'A call of this method has one request.',
    }
    let request: Buffer | null = null
    this.#unfinished = this.#rules.unfinished?.add(this) ?? null
    this.input = {
      data: (piece) => {
        for (const message of this.messagesIn(piece)) {
          if (request !== null) this.finish(excess)
          request = message
        }
      },
      ended: () => {
        this.#requestEnded()
        if (this.#status !== null) return
        if (request === null || !this.isBetweenRequests) {
          this.finish(excess)
          return
        }
        const read = this.deserialized(deserialize, request)
        if (read !== null) take(read.request)
      },
    }
  }

  /** null: it is no such message, and the call is over. */
  protected deserialized(
    deserialize: (bytes: Buffer) => unknown,
    message: Buffer,
  ): { readonly request: unknown } | null {
    try {
      return { request: deserialize(message) }
    } catch (error) {
      this.breakOff({ code: status.INTERNAL, details: `The request cannot be read: ${wordsOf(error)}` })
      return null
    }
  }

  /** null: it cannot be written, which is a fault of the program, and the call is over. */
  protected serialized(serialize: (value: unknown) => Buffer, value: unknown): Buffer | null {
    try {
      return serialize(value)
    } catch (error) {
      this.breakOff(faulty)
      this.#rules.onFault(error)
      return null
    }
  }

  /** The last request came whole. */
  protected get isBetweenRequests(): boolean {
    return this.#splitter.isBetweenMessages
  }

  /** Sends the headers of the answer. False: nobody is there for it. */
  protected begin(): boolean {
    if (this.#status !== null) return false
    this.#stream.begin(encodeAnswer(this.#first))
    return true
  }

  /** Ends the call, after what was written. Once; later ends are passed over. `last`: a part of the answer, with its prefix. */
  finish(end: CallStatus, last?: Buffer): void {
    if (this.#status !== null) return
    const stream = this.#stream
    if (last !== undefined) this.begin()
    this.#status = end
    this.#forget()
    // Anew: it has as much time for the end as it had for each part.
    this.callerMoved()
    this.awaitCaller()
    if (stream.isBegun) {
      if (last !== undefined) stream.write(last)
      stream.end(encodeTrailers(end))
    } else {
      stream.beginAndEnd(encodeOnlyTrailers(end, this.#first))
    }
    // What still comes is read and dropped.
    stream.resume()
  }

  #gone(): void {
    this.#requestEnded()
    if (this.#status !== null) return
    this.#status = { code: status.CANCELLED, details: '' }
    this.#forget()
    this.#cancel()
  }

  #forget(): void {
    if (this.#inTime !== null) this.#rules.deadlines.delete(this.#inTime)
  }

  #requestEnded(): void {
    if (this.#unfinished !== null) this.#rules.unfinished?.delete(this.#unfinished)
    this.#unfinished = null
  }

  /** Ends the call otherwise than its handler does, and tells that. */
  protected breakOff(end: CallStatus): void {
    if (this.#status !== null) return
    this.finish(end)
    this.#cancel()
  }

  #cancel(): void {
    this.cancelled = true
    this.emit('cancelled', 'cancelled')
  }
}

import {
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Socket } from 'node:net'
import {
  type MethodDefinition,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { SignsOfLife, type SignsOfLifeOptions } from '../signs-of-life.ts'
import type { ByteStream } from './byte-stream.ts'
import { Deadlines } from './deadlines.ts'
import { Departure } from './departure.ts'
import { answerHeaders, httpFault, trailersOf } from './headers.ts'
import type { CallConnection, CallRules, CallSource } from './server-call.ts'
import { StreamingCall } from './streaming-call.ts'
import { answerAtOnce, giveUp, isOver, nobodyHears } from './streams.ts'
import { TimeLimit } from './time-limit.ts'
import { UnaryCall } from './unary-call.ts'

/** Times in milliseconds. */
export interface GrpcServerOptions extends SignsOfLifeOptions {
  /** Of one message, bytes. */
  readonly longestRequest: number
  /** Calls at a time on one connection; the caller keeps more back. */
  readonly callsPerConnection: number
  /** A connection without any call for so long is closed; who still wants it makes another. Default: it stays. */
  readonly idleMs?: number
  /** Told of the maker of a call whose one request was not whole in time, as its `getPeer()` names it. What came of it is kept until its connection is broken. Default: such a call may wait. */
  readonly unfinished?: { readonly withinMs: number; readonly late: (peer: string) => void }
  /** Time for a caller to take what was written to it, and to end its side when it has its answer. Then its call is reset. Default 60,000. */
  readonly patienceMs?: number
  /** Told of what a handler throws, which is a fault of the program. The caller gets UNKNOWN. */
  readonly onFault: (error: unknown) => void
}

/** Questions that a caller may leave without an answer: one each `callsPerConnection` calls. */
const mostUnread = 2

/** Of the path of a call that nobody answers; characters. */
const longestPath = 100

/** What answers the calls of one path. */
interface Answerer {
  readonly rules: CallRules
  readonly answer: (source: CallSource) => void
}

interface Connection extends CallConnection {
  readonly session: ServerHttp2Session
  readonly departure: Departure
  /** Under way. */
  calls: number
  /** In all. */
  begun: number
  /** Questions whether the caller reads that it has not answered. */
  unread: number
  /** When it last had one. */
  usedAt: number
}

/**
 * Answers calls of gRPC over `node:http2`, on connections that somebody else accepted: unary ones and streams, by handlers that are written for grpc-js.
 *
 * Why not the server of grpc-js (1.14): it answers fewer calls in the same time (`pnpm bench throughput --systems 'no-op echo,own echo'`), and a caller who opens a stream and resets it in one packet ends
 * its process: it answers what is over, `node:http2` throws, and nobody catches that.
 */
export class GrpcServer {
  readonly #options: GrpcServerOptions
  readonly #answerers = new Map<string, Answerer>()
  readonly #connections = new Set<Connection>()
  readonly #rules: CallRules
  /** Streams that no method took. */
  readonly #refused: TimeLimit<ServerHttp2Stream>
  readonly #idleTimer: NodeJS.Timeout | undefined
  #isClosing = false
  #closed: (() => void) | null = null
  #closing: Promise<void> | null = null

  constructor(options: GrpcServerOptions) {
    this.#options = options
    const { unfinished, idleMs, patienceMs = 60_000 } = options
    this.#rules = {
      longestRequest: options.longestRequest,
      unfinished:
        unfinished === undefined
          ? null
          : new TimeLimit(unfinished.withinMs, (call) => unfinished.late(call.getPeer())),
      deadlines: new Deadlines(),
      onFault: options.onFault,
      waiting: new TimeLimit(patienceMs, (call) => call.tooLate()),
    }
    this.#refused = new TimeLimit(patienceMs, giveUp)
    if (idleMs !== undefined) this.#idleTimer = setInterval(() => this.#leaveIdle(idleMs), idleMs / 8).unref()
  }

  /** Throws a RangeError for a method whose requests alone are a stream: there is none here. */
  addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    for (const [name, method] of Object.entries(definition)) {
      const handle: unknown = implementation[name] ?? implementation[method.originalName ?? name]
      if (typeof handle !== 'function') continue
      this.#answerers.set(
        method.path,
        this.#answererOf(method, (...values) => Reflect.apply(handle, implementation, values)),
      )
    }
  }

  /** Calls of this path are bytes, both ways. `longestRequest`: of one message, to begin with. */
  addByteStream(path: string, longestRequest: number, handle: (call: ByteStream) => void): void {
    const codec = { requestDeserialize: (bytes: Buffer) => bytes, responseSerialize: bytesOf }
    const options = {
      codec,
      requestStream: true,
      handle: this.#guarded((call: StreamingCall) => handle(call)),
    }
    this.#answerers.set(path, {
      rules: { ...this.#rules, longestRequest },
      answer: (source) => new StreamingCall(source, options).start(),
    })
  }

  /** Takes a connection that may carry calls. */
  accept(socket: Socket): void {
    if (this.#isClosing || socket.destroyed) {
      socket.destroy()
      return
    }
    const { callsPerConnection } = this.#options
    const session = performServerHandshake(socket, {
      settings: { maxConcurrentStreams: callsPerConnection },
      // Of requests is kept what `longestRequest` allows of each call; a bound of another kind would end calls of other people.
      maxSessionMemory: Number.MAX_SAFE_INTEGER,
    })
    const connection: Connection = {
      socket,
      peer: `${socket.remoteAddress}:${socket.remotePort}`,
      session,
      departure: new Departure(session, () => connection.calls > 0),
      calls: 0,
      begun: 0,
      unread: 0,
      usedAt: performance.now(),
      callEnded: () => {
        connection.calls--
        connection.usedAt = performance.now()
        connection.departure.callEnded()
      },
    }
    this.#connections.add(connection)
    const life = new SignsOfLife(session, this.#options, () => socket.destroy())
    // What breaks a connection is told by the calls on it.
    session.on('error', nobodyHears)
    socket.on('error', nobodyHears)
    session.on('close', () => {
      life.stop()
      this.#connections.delete(connection)
      this.#closedIfDone()
    })
    session.on(
      'stream',
      (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, rawHeaders: string[]) =>
        this.#take(connection, stream, headers, rawHeaders),
    )
  }

  /** Takes no more connections and calls. Resolves when those under way are over. Twice is once. */
  close(): Promise<void> {
    this.#closing ??= this.#leaveAll()
    return this.#closing
  }

  #leaveAll(): Promise<void> {
    clearInterval(this.#idleTimer)
    this.#isClosing = true
    for (const { departure } of this.#connections) departure.begin()
    return new Promise((resolve) => {
      this.#closed = resolve
      this.#closedIfDone()
    })
  }

  /** Breaks off all that is under way. */
  destroy(): void {
    clearInterval(this.#idleTimer)
    this.#isClosing = true
    for (const { session, socket } of [...this.#connections]) {
      session.destroy()
      socket.destroy()
    }
  }

  #closedIfDone(): void {
    if (this.#connections.size === 0) this.#closed?.()
  }

  #leaveIdle(idleMs: number): void {
    const since = performance.now() - idleMs
    for (const { departure, calls, usedAt } of this.#connections)
      if (calls === 0 && usedAt < since) departure.begin()
  }

  #take(
    connection: Connection,
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    rawHeaders: readonly string[],
  ): void {
    if (isOver(stream)) return
    stream.on('error', nobodyHears)
    connection.calls++
    connection.begun++
    if (connection.begun % this.#options.callsPerConnection === 0) this.#ask(connection)
    const fault = httpFault(headers)
    if (fault !== null) {
      this.#refuse(connection, stream, { ':status': fault })
      return
    }
    const path = headers[':path'] ?? ''
    const answerer = this.#answerers.get(path)
    if (answerer === undefined) {
      const details = `There is no method ${path.slice(0, longestPath)} here.`
      const trailers = trailersOf({ code: status.UNIMPLEMENTED, details })
      this.#refuse(connection, stream, { ...answerHeaders, ...trailers })
      return
    }
    answerer.answer({ stream, headers, rawHeaders, connection, rules: answerer.rules })
  }

  /**
   * Asks whether the caller reads: answers to one who does not would pile up. Nobody has more than `callsPerConnection` calls of which it has neither read the end nor
   * reset them, so who begins twice as many without having read the question does not keep to the rules, or resets them faster than it reads.
   */
  #ask(connection: Connection): void {
    const { session, socket } = connection
    if (connection.unread === mostUnread) {
      socket.destroy()
      return
    }
    connection.unread++
    session.ping((error) => {
      if (error === null) connection.unread = 0
    })
  }

  #refuse(connection: Connection, stream: ServerHttp2Stream, headers: OutgoingHttpHeaders): void {
    const place = this.#refused.add(stream)
    stream.on('close', () => {
      this.#refused.delete(place)
      connection.callEnded()
    })
    answerAtOnce(stream, headers)
  }

  #answererOf(
    method: MethodDefinition<unknown, unknown>,
    handle: (...values: unknown[]) => unknown,
  ): Answerer {
    const { path, requestStream, responseStream } = method
    const guarded = this.#guarded(handle)
    const rules = this.#rules
    if (responseStream) {
      const options = { codec: method, requestStream, handle: guarded }
      return { rules, answer: (source) => new StreamingCall(source, options).start() }
    }
    if (requestStream)
      throw new RangeError(`${path}: a method whose requests alone are a stream is not answered here.`)
    return { rules, answer: (source) => new UnaryCall(source, method, guarded).start() }
  }

  /** A handler of which nothing is thrown. */
  #guarded<Call extends UnaryCall | StreamingCall, Rest extends unknown[]>(
    handle: (call: Call, ...rest: Rest) => unknown,
  ): (call: Call, ...rest: Rest) => void {
    return (call, ...rest) => {
      try {
        handle(call, ...rest)
      } catch (error) {
        call.finish({ code: status.UNKNOWN, details: 'A fault of the server: see its log.' })
        this.#options.onFault(error)
      }
    }
  }
}

function bytesOf(value: unknown): Buffer {
  if (!Buffer.isBuffer(value)) throw new TypeError('A stream of bytes has no other messages.')
  return value
}

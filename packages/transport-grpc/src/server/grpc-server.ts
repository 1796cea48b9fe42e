import type { Socket } from 'node:net'
import {
  type MethodDefinition,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { errorCode } from '../http2/protocol.ts'
import { ServerConnection } from '../http2/server-connection.ts'
import type { Http2Stream } from '../http2/stream.ts'
import { SignsOfLife, type SignsOfLifeOptions } from '../signs-of-life.ts'
import type { ByteStream } from './byte-stream.ts'
import { Deadlines } from './deadlines.ts'
import { encodeHttpStatus, encodeOnlyTrailers, httpFault, mostValues, readRequest } from './headers.ts'
import type { CallConnection, CallRules, CallSource } from './server-call.ts'
import { StreamingCall } from './streaming-call.ts'
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

/** Of the path of a call that nobody answers; characters. */
const longestPath = 100

/** What answers the calls of one path. */
interface Answerer {
  readonly rules: CallRules
  readonly answer: (source: CallSource) => void
}

interface Connection extends CallConnection {
  readonly http2: ServerConnection
  /** When it was last seen to have a call. */
  usedAt: number
}

/**
 * Answers calls of gRPC on connections that somebody else accepted: unary ones and streams, by handlers that are written for grpc-js.
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
  readonly #refused: TimeLimit<Http2Stream>
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
    this.#refused = new TimeLimit(patienceMs, (stream) => stream.reset(errorCode.noError))
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
    const http2 = new ServerConnection(socket, {
      mostStreams: this.#options.callsPerConnection,
      opened: (stream, fields) => this.#take(connection, stream, fields),
      closed: () => {
        life.stop()
        this.#connections.delete(connection)
        this.#closedIfDone()
      },
    })
    const connection: Connection = {
      socket,
      peer: `${socket.remoteAddress}:${socket.remotePort}`,
      http2,
      usedAt: performance.now(),
    }
    this.#connections.add(connection)
    const life = new SignsOfLife(http2, this.#options, () => socket.destroy())
  }

  /** Takes no more connections and calls. Resolves when those under way are over. Twice is once. */
  close(): Promise<void> {
    this.#closing ??= this.#leaveAll()
    return this.#closing
  }

  #leaveAll(): Promise<void> {
    clearInterval(this.#idleTimer)
    this.#isClosing = true
    for (const { http2 } of this.#connections) http2.leave()
    return new Promise((resolve) => {
      this.#closed = resolve
      this.#closedIfDone()
    })
  }

  /** Breaks off all that is under way. */
  destroy(): void {
    clearInterval(this.#idleTimer)
    this.#isClosing = true
    for (const { http2 } of [...this.#connections]) http2.destroy()
  }

  #closedIfDone(): void {
    if (this.#connections.size === 0) this.#closed?.()
  }

  #leaveIdle(idleMs: number): void {
    const now = performance.now()
    for (const connection of this.#connections) {
      if (connection.http2.streams > 0) connection.usedAt = now
      else if (connection.usedAt < now - idleMs) connection.http2.leave()
    }
  }

  #take(connection: Connection, stream: Http2Stream, fields: readonly string[]): void {
    connection.usedAt = performance.now()
    const request = readRequest(fields)
    const fault = httpFault(request)
    if (fault !== null) {
      this.#refuse(stream, encodeHttpStatus(fault))
      return
    }
    const { path } = request
    const answerer = this.#answerers.get(path)
    if (answerer === undefined) {
      const details = `There is no method ${path.slice(0, longestPath)} here.`
      this.#refuse(stream, encodeOnlyTrailers({ code: status.UNIMPLEMENTED, details }, null))
      return
    }
    if (request.isExcessive) {
      const details = `Metadata of bytes has more than ${mostValues} values.`
      this.#refuse(stream, encodeOnlyTrailers({ code: status.RESOURCE_EXHAUSTED, details }, null))
      return
    }
    answerer.answer({ stream, fields, request, connection, rules: answerer.rules })
  }

  /** What still comes is read and dropped. */
  #refuse(stream: Http2Stream, answer: Buffer): void {
    const place = this.#refused.add(stream)
    const forget = (): void => this.#refused.delete(place)
    stream.listen({ data: nothing, ended: nothing, drained: nothing, closed: forget })
    stream.beginAndEnd(answer)
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

function nothing(): void {}

function bytesOf(value: unknown): Buffer {
  if (!Buffer.isBuffer(value)) throw new TypeError('A stream of bytes has no other messages.')
  return value
}

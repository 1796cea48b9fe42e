import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2'
import { connect as connectSocket, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { formatAddress, type PeerAddress } from '../address.ts'
import { wordsOf } from '../errors.ts'
import { SignsOfLife } from '../signs-of-life.ts'
import { tlsFaultOf } from '../tls/faults.ts'
import { fillPrefix, MessageSplitter } from '../wire/grpc-framing.ts'
import { decodeStatusMessage } from '../wire/status-message.ts'

/** Why a call ended. */
export type LinkFault =
  /** The first packet was refused: nobody listens there. */
  | { readonly type: 'refused' }
  /** The other end ended the call and said why; `code` is a google.rpc.Code. */
  | { readonly type: 'status'; readonly code: number; readonly reason: string }
  /** TLS did not come about, or not with whom it should. */
  | { readonly type: 'untrusted'; readonly reason: string }
  /** Anything else. */
  | { readonly type: 'failed'; readonly reason: string }

export interface LinkStreamEvents {
  /** The connection stands; what is written from here on goes out. */
  connected(): void
  /** One message of the other end, without its prefix. Throwing ends the call with the error's message. */
  message(bytes: Buffer): void
  /** Exactly once, unless `close` was called. */
  ended(fault: LinkFault): void
}

export interface LinkStreamOptions {
  readonly address: PeerAddress
  /** Of the method: `/package.Service/Method`. */
  readonly path: string
  readonly secure: (socket: Socket) => Duplex
  readonly pingMs: number
  readonly silentMs: number
}

/** Answers are one hello. */
const longestAnswer = 64 * 1024

/**
 * The calling end of one gRPC call on one connection of its own (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md), over `node:http2`.
 *
 * Why not the client of grpc-js: it decides by itself when to connect, hides which attempt met which error, and keeps the socket. Here one attempt is one connection,
 * its refusal is a proof, a frame is written without another copy, and a connection to a stopped process can be dropped at once.
 */
export class LinkStream {
  readonly #options: LinkStreamOptions
  readonly #events: LinkStreamEvents
  readonly #socket: Socket
  #session: ClientHttp2Session | undefined
  #call: ClientHttp2Stream | undefined
  #life: SignsOfLife | undefined
  #ended = false

  constructor(options: LinkStreamOptions, events: LinkStreamEvents) {
    this.#options = options
    this.#events = events
    const { host, port } = options.address
    this.#socket = connectSocket({ host, port, noDelay: true })
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      // Only the connecting packet can be refused; on an open connection a reset has another name.
      if (error.code === 'ECONNREFUSED') this.#end({ type: 'refused' })
      else this.#end({ type: 'failed', reason: error.message })
    })
    this.#socket.on('close', () => this.#end({ type: 'failed', reason: 'the connection closed' }))
    this.#socket.once('connect', () => {
      try {
        this.#connected()
      } catch (error) {
        this.#end({ type: 'failed', reason: wordsOf(error) })
      }
    })
  }

  /** `buffer` has room for the prefix at its front. `done` is called when the network took it, and not at all if the call ends before. */
  write(buffer: Buffer, done: () => void): void {
    if (this.#ended) return
    this.#call?.write(fillPrefix(buffer), (error) => {
      if (!error && !this.#ended) done()
    })
  }

  /** Ends the call and the connection now, without an event. */
  close(): void {
    this.#ended = true
    this.#life?.stop()
    this.#session?.destroy()
    this.#socket.destroy()
  }

  #end(fault: LinkFault): void {
    if (this.#ended) return
    this.close()
    this.#events.ended(fault)
  }

  #connected(): void {
    if (this.#ended) return
    const { address, path, secure } = this.#options
    if (
      this.#socket.localPort === this.#socket.remotePort &&
      this.#socket.localAddress === this.#socket.remoteAddress
    ) {
      // Nobody listens there, and the kernel happened to choose that very port for this end: TCP then connects it to itself.
      this.#end({ type: 'failed', reason: 'the connection met itself' })
      return
    }
    const session = connect(`http://${formatAddress(address)}`, {
      createConnection: () => secure(this.#socket),
    })
    this.#session = session
    session.on('error', (error: Error) => this.#end(faultOf(error)))
    session.on('goaway', () => this.#end({ type: 'failed', reason: 'the other end closes the connection' }))
    session.on('close', () => this.#end({ type: 'failed', reason: 'the connection closed' }))
    const call = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: path,
      [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
      [constants.HTTP2_HEADER_TE]: 'trailers',
    })
    this.#call = call
    const splitter = new MessageSplitter(longestAnswer)
    call.on('response', (headers) => this.#headers(headers))
    call.on('trailers', (headers: IncomingHttpHeaders) => this.#headers(headers))
    call.on('data', (chunk: Buffer) => this.#data(splitter, chunk))
    call.on('error', (error: Error) => this.#end(faultOf(error)))
    call.on('close', () => this.#end({ type: 'failed', reason: 'the call was ended without a status' }))
    const { silentMs } = this.#options
    this.#life = new SignsOfLife(session, this.#options, () =>
      this.#end({ type: 'failed', reason: `no sign of life for ${silentMs} ms` }),
    )
    this.#events.connected()
  }

  #headers(headers: IncomingHttpHeaders & IncomingHttpStatusHeader): void {
    const status = headers['grpc-status']
    if (status !== undefined) {
      const said = decodeStatusMessage(String(headers['grpc-message'] ?? ''))
      const code = Number(status)
      this.#end({
        type: 'status',
        code,
        reason: said === '' ? `the other end ended the call with status ${code}` : said,
      })
    } else if (headers[':status'] !== undefined && headers[':status'] !== 200) {
      this.#end({
        type: 'failed',
        reason: `what listens there answers HTTP ${headers[':status']}: it is no replica`,
      })
    }
  }

  #data(splitter: MessageSplitter, chunk: Buffer): void {
    try {
      for (const message of splitter.push(chunk)) if (!this.#ended) this.#events.message(message)
    } catch (error) {
      this.#end({ type: 'failed', reason: wordsOf(error) })
    }
  }
}

function faultOf(error: Error): LinkFault {
  const untrusted = tlsFaultOf(error)
  return untrusted === null
    ? { type: 'failed', reason: error.message }
    : { type: 'untrusted', reason: `what listens there ${untrusted}` }
}

import { connect as connectSocket, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { formatAddress, type PeerAddress } from '../address.ts'
import { wordsOf } from '../errors.ts'
import { ClientConnection } from '../http2/client-connection.ts'
import { headBytes } from '../http2/frames.ts'
import type { Http2Stream } from '../http2/stream.ts'
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

const withoutStatus: LinkFault = { type: 'failed', reason: 'the call was ended without a status' }

/** Answers are one hello. */
const longestAnswer = 64 * 1024

/**
 * The calling end of one gRPC call on one connection of its own (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
 *
 * Why not the client of grpc-js: it decides by itself when to connect, hides which attempt met which error, and keeps the socket. Here one attempt is one connection,
 * its refusal is a proof, a frame is written without another copy, and a connection to a stopped process can be dropped at once.
 */
export class LinkStream {
  readonly #options: LinkStreamOptions
  readonly #events: LinkStreamEvents
  readonly #socket: Socket
  #connection: ClientConnection | undefined
  #call: Http2Stream | undefined
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
    this.#socket.once('connect', () => this.#attempt(() => this.#connected()))
  }

  /** `buffer` has `roomBytes` at its front. `done` is called when the network took it, and not at all if the call ends before. */
  write(buffer: Buffer, done: () => void): void {
    if (this.#ended) return
    const sent = (): void => {
      if (!this.#ended) done()
    }
    this.#call?.write(fillPrefix(buffer, headBytes), sent, headBytes)
  }

  /** Ends the call and the connection now, without an event. */
  close(): void {
    this.#ended = true
    this.#life?.stop()
    this.#connection?.destroy()
    this.#socket.destroy()
  }

  #end(fault: LinkFault): void {
    if (this.#ended) return
    this.close()
    this.#events.ended(fault)
  }

  #attempt(step: () => void): void {
    try {
      step()
    } catch (error) {
      this.#end({ type: 'failed', reason: wordsOf(error) })
    }
  }

  #connected(): void {
    if (this.#ended) return
    if (
      this.#socket.localPort === this.#socket.remotePort &&
      this.#socket.localAddress === this.#socket.remoteAddress
    ) {
      // Nobody listens there, and the kernel happened to choose that very port for this end: TCP then connects it to itself.
      this.#end({ type: 'failed', reason: 'the connection met itself' })
      return
    }
    const duplex = this.#options.secure(this.#socket)
    duplex.on('error', (error: Error) => this.#end(faultOf(error)))
    // What is written before fails in words of its own, if TLS does not come about.
    if (duplex instanceof TLSSocket)
      duplex.once('secureConnect', () => this.#attempt(() => this.#begin(duplex)))
    else this.#begin(duplex)
  }

  #begin(duplex: Duplex): void {
    if (this.#ended) return
    const { address, path } = this.#options
    const connection = new ClientConnection(duplex, {
      failed: ({ message }) => this.#end({ type: 'failed', reason: message }),
      closed: () => this.#end({ type: 'failed', reason: 'the connection closed' }),
      goodbye: () => this.#end({ type: 'failed', reason: 'the other end closes the connection' }),
    })
    this.#connection = connection
    const splitter = new MessageSplitter(longestAnswer)
    const fields = [
      ...[':method', 'POST', ':scheme', 'http', ':path', path, ':authority', formatAddress(address)],
      ...['content-type', 'application/grpc', 'te', 'trailers'],
    ]
    this.#call = connection.request(fields, {
      answered: (fields) => this.#answered(fields),
      data: (chunk) => this.#data(splitter, chunk),
      ended: () => this.#end(withoutStatus),
      drained: () => undefined,
      closed: () =>
        this.#end(connection.destroyed ? { type: 'failed', reason: 'the connection closed' } : withoutStatus),
    })
    const { silentMs } = this.#options
    this.#life = new SignsOfLife(connection, this.#options, () =>
      this.#end({ type: 'failed', reason: `no sign of life for ${silentMs} ms` }),
    )
    this.#events.connected()
  }

  /** `fields`: names and values in turn. */
  #answered(fields: readonly string[]): void {
    const status = valueIn(fields, 'grpc-status')
    if (status !== undefined) {
      const said = decodeStatusMessage(valueIn(fields, 'grpc-message') ?? '')
      const code = Number(status)
      this.#end({
        type: 'status',
        code,
        reason: said === '' ? `the other end ended the call with status ${code}` : said,
      })
      return
    }
    const http = valueIn(fields, ':status')
    if (http !== undefined && http !== '200')
      this.#end({ type: 'failed', reason: `what listens there answers HTTP ${http}: it is no replica` })
  }

  #data(splitter: MessageSplitter, chunk: Buffer): void {
    try {
      for (const message of splitter.push(chunk)) if (!this.#ended) this.#events.message(message)
    } catch (error) {
      this.#end({ type: 'failed', reason: wordsOf(error) })
    }
  }
}

function valueIn(fields: readonly string[], name: string): string | undefined {
  for (let at = 0; at < fields.length; at += 2) if (fields[at] === name) return fields[at + 1]
  return undefined
}

function faultOf(error: Error): LinkFault {
  const untrusted = tlsFaultOf(error)
  return untrusted === null
    ? { type: 'failed', reason: error.message }
    : { type: 'untrusted', reason: `what listens there ${untrusted}` }
}

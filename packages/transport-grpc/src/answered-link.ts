import { constants, performServerHandshake, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { status } from '@grpc/grpc-js'
import { isOver } from './grpc-server.ts'
import type { TransportLimits } from './limits.ts'
import { type LinkCall, type LinkCallEvents, linkMethod } from './link-call.ts'
import { SignsOfLife } from './signs-of-life.ts'
import { fillPrefix, MessageSplitter } from './wire/grpc-framing.ts'
import { encodeStatusMessage } from './wire/status-message.ts'

/** Until its caller has said who it is a message is a hello; bytes. */
const longestHello = 64 * 1024

/** Time for the caller to leave when its call has ended, milliseconds. */
const lingerMs = 1_000

/**
 * Answers the calls on a connection that carries a link, over `node:http2`. `take` gets each call of `ReplicaService.Link`.
 *
 * Why not grpc-js, which answers everything else on this port: it stops and starts the reading of a stream for each message, and takes each through two more streams and a
 * promise. A link carries one for each batch, both ways, and somebody waits for all of them.
 */
export function answerLinks(
  connection: Socket,
  limits: Pick<TransportLimits, 'pingMs' | 'silentMs' | 'queueBytes'>,
  take: (call: LinkCall) => void,
): void {
  const session = performServerHandshake(connection, { settings: { maxConcurrentStreams: 1 } })
  const life = new SignsOfLife(session, limits, () => connection.destroy())
  session.on('close', () => life.stop())
  // What breaks a connection is told by the call on it.
  session.on('error', () => {})
  session.on('stream', (stream, headers) => {
    if (isOver(stream)) return
    const { ':method': method = '', ':path': path = '' } = headers
    const call = new AnsweredLink(stream, connection, limits.queueBytes)
    if (method === 'POST' && path === linkMethod.link.path) take(call)
    else call.end(status.UNIMPLEMENTED, `A connection for a link has no ${method} ${path}.`)
  })
}

/** The answering end of a `LinkStream`. */
class AnsweredLink implements LinkCall {
  readonly #stream: ServerHttp2Stream
  readonly #connection: Socket
  readonly #peer: string
  readonly #longestMessage: number
  readonly #splitter = new MessageSplitter(longestHello)
  #status: { readonly code: status; readonly details: string } | null = null

  constructor(stream: ServerHttp2Stream, connection: Socket, longestMessage: number) {
    this.#stream = stream
    this.#connection = connection
    this.#peer = `${connection.remoteAddress}:${connection.remotePort}`
    this.#longestMessage = longestMessage
    stream.on('error', () => {})
    stream.on('wantTrailers', () => {
      const { code, details } = this.#status ?? { code: status.OK, details: '' }
      stream.sendTrailers({ 'grpc-status': code, 'grpc-message': encodeStatusMessage(details) })
    })
    stream.respond(
      {
        [constants.HTTP2_HEADER_STATUS]: 200,
        [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc+proto',
      },
      { waitForTrailers: true },
    )
  }

  getPeer(): string {
    return this.#peer
  }

  getAuthContext(): ReturnType<LinkCall['getAuthContext']> {
    return this.#connection instanceof TLSSocket
      ? { transportSecurityType: 'ssl', sslPeerCertificate: this.#connection.getPeerCertificate() }
      : {}
  }

  listen(events: LinkCallEvents): void {
    const gone = (): void => events.gone()
    this.#stream.on('data', (chunk: Buffer) => {
      if (this.#status !== null) return
      let messages: readonly Buffer[]
      try {
        messages = this.#splitter.push(chunk)
      } catch (error) {
        this.end(status.INVALID_ARGUMENT, error instanceof Error ? error.message : String(error))
        gone()
        return
      }
      for (const bytes of messages) events.message(bytes)
    })
    this.#stream.on('end', gone)
    this.#stream.on('close', gone)
  }

  accept(): void {
    this.#splitter.maxBytes = this.#longestMessage
  }

  write(message: Buffer): void {
    this.#stream.write(fillPrefix(message))
  }

  end(code: status, details: string): void {
    if (this.#status !== null) return
    this.#status = { code, details }
    this.#stream.end()
    // What still comes is read and dropped, but not for ever: the connection has no other use.
    this.#stream.resume()
    const timer = setTimeout(() => this.#connection.destroy(), lingerMs)
    this.#connection.on('close', () => clearTimeout(timer))
  }
}

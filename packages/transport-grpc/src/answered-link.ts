import { constants, performServerHandshake, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { type PeerCertificate, TLSSocket } from 'node:tls'
import { status } from '@grpc/grpc-js'
import { isOver } from './grpc-server.ts'
import type { TransportLimits } from './limits.ts'
import { type LinkCall, type LinkCallEvents, linkMethod } from './link-call.ts'
import { SignsOfLife } from './signs-of-life.ts'
import { fillPrefix, MessageSplitter } from './wire/grpc-framing.ts'
import { encodeStatusMessage } from './wire/status-message.ts'

/** Until its caller has said who it is a message is a hello; bytes. */
const longestHello = 64 * 1024

/** Of what a status says; characters. A stranger's own words may be in it, and nobody can be sent more than 64 KiB of headers. */
const longestWords = 1_000

/** Time for the caller to leave when its first call has ended, milliseconds. */
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
  // Who has had a call has no other use for the connection.
  let leaving: NodeJS.Timeout | undefined
  connection.on('close', () => clearTimeout(leaving))
  const ended = (): void => {
    if (!connection.destroyed) leaving ??= setTimeout(() => connection.destroy(), lingerMs)
  }
  // What breaks a connection is told by the call on it.
  session.on('error', () => {})
  session.on('stream', (stream, headers) => {
    if (isOver(stream)) return
    const { ':method': method = '', ':path': path = '' } = headers
    const call = new AnsweredLink(stream, connection, limits.queueBytes, ended)
    if (method === 'POST' && path === linkMethod.link.path) take(call)
    else call.end(status.UNIMPLEMENTED, `A connection for a link has no ${method} ${path}.`)
  })
}

/** The answering end of a `LinkStream`. `ended`: called when the call has ended. */
class AnsweredLink implements LinkCall {
  readonly #stream: ServerHttp2Stream
  readonly #connection: Socket
  readonly #peer: string
  readonly #longestMessage: number
  readonly #ended: () => void
  readonly #splitter = new MessageSplitter(longestHello)
  #status: { readonly code: status; readonly details: string } | null = null

  constructor(stream: ServerHttp2Stream, connection: Socket, longestMessage: number, ended: () => void) {
    this.#stream = stream
    this.#connection = connection
    this.#peer = `${connection.remoteAddress}:${connection.remotePort}`
    this.#longestMessage = longestMessage
    this.#ended = ended
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
    if (!(this.#connection instanceof TLSSocket && this.#connection.authorized)) return {}
    const certificate: PeerCertificate | null = this.#connection.getPeerCertificate()
    // Without one, or without a connection any more, there is nothing in it.
    if (certificate?.raw === undefined) return { transportSecurityType: 'ssl' }
    return { transportSecurityType: 'ssl', sslPeerCertificate: certificate }
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
    this.#status = { code, details: details.slice(0, longestWords) }
    this.#stream.end()
    // What still comes is read and dropped.
    this.#stream.resume()
    this.#ended()
  }
}

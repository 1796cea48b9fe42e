import { constants } from 'node:crypto'
import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import type { Certificates, LoadedCertificates } from './certificates.ts'
import { tlsFaultOf, tlsFaultOfCode } from './faults.ts'
import { refuseCalls } from './refusal.ts'

export interface DoorOptions {
  /** null: plain text. */
  readonly certificates: Certificates | null
  /** Whether who comes must show a certificate of a trusted authority. */
  readonly mutual: boolean
  /** Who has not said who it is by then is let go; milliseconds. */
  readonly handshakeMs: number
  /** A connection that has begun to speak as it should. */
  readonly accepted: (connection: Socket) => void
  /** A connection that is not; it has been answered or closed. */
  readonly refused: (refusal: Refusal) => void
}

export interface Refusal {
  /** Its IP address. */
  readonly from: string
  /** To follow "a connection from … was refused: it ". */
  readonly reason: string
}

/** The first byte of TLS: a handshake record (RFC 8446 §5.1). */
const handshakeRecord = 0x16
/** The first byte of HTTP/2 without TLS (RFC 9113 §3.4). */
const http2Preface = 'P'.charCodeAt(0)

/** An empty SETTINGS frame: by it a caller who speaks TLS knows that nobody does here. */
const emptySettings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])

/** TLS on connections that somebody else accepted. */
interface Tls {
  readonly server: Server
  readonly certificates: Certificates
  used: LoadedCertificates
}

/** Takes connections that somebody else accepted, and hands them on once they speak as they should. Who says nothing, or something else, is let go. */
export class Door {
  readonly #options: DoorOptions
  readonly #tls: Tls | null

  constructor(options: DoorOptions) {
    this.#options = options
    this.#tls = options.certificates === null ? null : this.#open(options.certificates)
  }

  #open(certificates: Certificates): Tls {
    const { mutual, handshakeMs } = this.#options
    const used = certificates.current()
    const server = createServer({
      ...contextOf(used),
      ALPNProtocols: ['h2'],
      handshakeTimeout: handshakeMs,
      requestCert: mutual,
      // Judged in `#secured`, where the other end can be told in words.
      rejectUnauthorized: false,
    })
    server.on('secureConnection', (connection) => this.#secured(connection))
    server.on('tlsClientError', (error, connection) => {
      this.#refused(connection, tlsFaultOf(error) ?? `broke off TLS: ${error.message}`)
      connection.destroy()
    })
    return { server, certificates, used }
  }

  receive(socket: Socket): void {
    const { handshakeMs } = this.#options
    socket.on('error', () => undefined)
    const deadline = setTimeout(() => {
      this.#refused(socket, `said nothing for ${handshakeMs} ms`)
      socket.destroy()
    }, handshakeMs)
    socket.on('close', () => clearTimeout(deadline))
    const look = (): void => {
      const bytes: unknown = socket.read()
      if (!Buffer.isBuffer(bytes)) {
        if (!socket.readableEnded && !socket.destroyed) socket.once('readable', look)
        return
      }
      clearTimeout(deadline)
      socket.unshift(bytes)
      this.#begin(socket, bytes[0])
    }
    socket.once('readable', look)
  }

  #begin(socket: Socket, firstByte: number | undefined): void {
    const speaksTls = firstByte === handshakeRecord
    if (this.#tls === null) {
      if (!speaksTls) {
        this.#options.accepted(socket)
        return
      }
      this.#refused(socket, 'speaks TLS, and this port does not')
      socket.end(emptySettings, () => socket.destroy())
      return
    }
    if (speaksTls) {
      followFiles(this.#tls)
      this.#tls.server.emit('connection', socket)
      return
    }
    this.#refused(socket, 'does not speak TLS')
    if (firstByte === http2Preface)
      refuseCalls(socket, 'This port speaks TLS: connect with TLS, as with --certs or --tls-ca.')
    else socket.destroy()
  }

  #secured(connection: TLSSocket): void {
    connection.on('error', () => undefined)
    const fault = this.#options.mutual ? faultOf(connection) : null
    if (fault === null) {
      this.#options.accepted(connection)
      return
    }
    this.#refused(connection, fault)
    refuseCalls(
      connection,
      `This port takes connections with a certificate of the cluster only; this one ${fault}.`,
    )
  }

  #refused(socket: Socket, reason: string): void {
    this.#options.refused({ from: socket.remoteAddress ?? 'an unknown address', reason })
  }
}

function followFiles(tls: Tls): void {
  const current = tls.certificates.current()
  if (current === tls.used) return
  tls.used = current
  tls.server.setSecureContext(contextOf(current))
}

function contextOf({ ca, cert, key }: LoadedCertificates): {
  ca: Buffer
  cert: Buffer
  key: Buffer
  secureOptions: number
} {
  // A resumed session would show the certificate of long ago.
  return { ca, cert, key, secureOptions: constants.SSL_OP_NO_TICKET }
}

function faultOf(connection: TLSSocket): string | null {
  if (connection.getPeerX509Certificate() === undefined) return 'shows no certificate'
  if (connection.authorized) return null
  // The code, though the declared type says an error.
  const code: unknown = connection.authorizationError
  return tlsFaultOfCode(String(code))
}

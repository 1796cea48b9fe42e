import { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { checkServerIdentity, connect } from 'node:tls'
import type { ReplicaId } from '@chatroom/election'
import type { ServerDuplexStream, ServerUnaryCall } from '@grpc/grpc-js'
import type { Certificates } from './tls/certificates.ts'
import { Door, type Refusal } from './tls/door.ts'
import { namesIn, replicaName, speaksForOperator, speaksForReplica } from './tls/identity.ts'

/** What a call tells of the connection it came over. */
export type CallOrigin = Pick<
  ServerUnaryCall<unknown, unknown> | ServerDuplexStream<unknown, unknown>,
  'getAuthContext'
>

/** How both ends of a connection to a peer port make sure of each other. */
export interface PeerCredentials {
  /** Takes an accepted connection; `accepted` gets it once it may carry calls, and never if it may not. */
  receive(socket: Socket, accepted: (connection: Socket) => void): void
  /** Wraps a connected socket before anything is sent on it; an error of the result ends the attempt. */
  secure(socket: Socket, peer: ReplicaId): Duplex
  /** null if the maker of a call may speak as this replica, or a sentence that says why not. */
  faultOfReplica(call: CallOrigin, id: ReplicaId): string | null
  /** null if the maker of a call may use the admin service, or a sentence that says why not. */
  faultOfOperator(call: CallOrigin): string | null
}

/** Plain text: on loopback, or on a network where everybody is trusted. */
export const plainText: PeerCredentials = {
  receive: (socket, accepted) => accepted(socket),
  secure: (socket) => socket,
  faultOfReplica: () => null,
  faultOfOperator: () => null,
}

export interface PeerTlsOptions {
  /** This replica's own, under the name `replica-<id>`, and the authorities of the cluster. */
  readonly certificates: Certificates
  /** Told of connections that did not get in. */
  readonly refused: (refusal: Refusal) => void
  /** Milliseconds for a handshake. Default 5,000. */
  readonly handshakeMs?: number
}

/**
 * Mutual TLS. A replica shows a certificate with the DNS name `replica-<id>` in both directions, an operator one with `operator`, and both are signed by an authority of the
 * cluster: whoever the authority signs such a name for is believed.
 */
export function createPeerTls(options: PeerTlsOptions): PeerCredentials {
  const { certificates, refused, handshakeMs = 5_000 } = options
  let accept: (connection: Socket) => void = () => undefined
  const door = new Door({
    certificates,
    mutual: true,
    handshakeMs,
    refused,
    accepted: (connection) => accept(connection),
  })
  return {
    receive: (socket, accepted) => {
      accept = accepted
      door.receive(socket)
    },
    secure: (socket, peer) =>
      connect({
        socket,
        secureContext: certificates.current().context,
        ALPNProtocols: ['h2'],
        servername: replicaName(peer),
        checkServerIdentity: (_, certificate) => checkServerIdentity(replicaName(peer), certificate),
      }),
    faultOfReplica: (call, id) => {
      const certificate = certificateOf(call)
      if (certificate !== null && speaksForReplica(certificate, id)) return null
      return `The certificate of this connection is not that of replica ${id}: it is for ${words(certificate)}.`
    },
    faultOfOperator: (call) => {
      const certificate = certificateOf(call)
      if (certificate !== null && speaksForOperator(certificate)) return null
      return `The admin service is for operators: the certificate of this connection is for ${words(certificate)}, not for "operator".`
    },
  }
}

function certificateOf(call: CallOrigin): X509Certificate | null {
  const { sslPeerCertificate } = call.getAuthContext()
  return sslPeerCertificate === undefined ? null : new X509Certificate(sslPeerCertificate.raw)
}

function words(certificate: X509Certificate | null): string {
  return certificate === null ? 'nobody' : namesIn(certificate)
}

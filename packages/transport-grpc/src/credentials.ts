import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ReplicaId } from '@chatroom/election'
import { ServerCredentials } from '@grpc/grpc-js'

/** How both ends of a link make sure of each other. */
export interface PeerCredentials {
  /** For the calls that arrive. */
  readonly server: ServerCredentials
  /** Wraps a connected socket before anything is sent on it; an error of the result ends the attempt as unreachable. */
  secure(socket: Socket, peer: ReplicaId): Duplex
}

/** Plain text: on loopback, or on a network where everybody is trusted. */
export const plainText: PeerCredentials = {
  server: ServerCredentials.createInsecure(),
  secure: (socket) => socket,
}

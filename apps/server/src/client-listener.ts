import { createServer, type Server as NetServer } from 'node:net'
import type { ChatService } from '@chatroom/chat-service'
import type { Address } from '@chatroom/configuration'
import { type Certificates, createGrpcServer, Door } from '@chatroom/transport-grpc'
import {
  ServerCredentials,
  type ServerOptions,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { ClientConnections, type ConnectionLimits } from './client-connections.ts'
import { requestDeadline } from './request-deadline.ts'
import { StartupError } from './startup-error.ts'

/** Time for a request to arrive whole; milliseconds. The longest has less than 100 KiB. */
const requestMs = 10_000

/** Bounds and times of the client port. Lengths in bytes, times in milliseconds. Headers are bounded by Node: 64 KiB and 128 of them in a request. */
const serverOptions: ServerOptions = {
  // The longest valid text is 64 KiB; what is somewhat longer is refused by the service in clear words, what is far longer by gRPC.
  'grpc.max_receive_message_length': 1024 * 1024,
  'grpc.max_send_message_length': 4 * 1024 * 1024,
  // On one connection; a client of ours has three.
  'grpc.max_concurrent_streams': 1_024,
  // A client that vanished without a word is noticed within 40 seconds.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  // A connection without any call for so long is closed; who still wants it makes another.
  'grpc.max_connection_idle_ms': 15 * 60_000,
  'grpc.enable_channelz': 0,
}

/** Time for a new connection to say what it is; milliseconds. */
const handshakeMs = 5_000

/** The client port of one replica. */
export interface ClientListener {
  /** Breaks the connection a call came over, as its `getPeer()` names it. */
  disconnect(peer: string): void
  /** Takes no new connections and calls, waits for those under way, and breaks them off after this time, milliseconds. */
  close(withinMs: number): Promise<void>
}

export interface ClientListenerOptions {
  readonly address: Address
  readonly service: Pick<ChatService, 'definition' | 'implementation'>
  /** Says whether the service can be used. */
  readonly health: {
    readonly definition: ServiceDefinition
    readonly implementation: UntypedServiceImplementation
  }
  /** null: plain text. */
  readonly certificates: Certificates | null
  readonly limits: ConnectionLimits
  /** Tell whoever asks what can be called here. */
  readonly reflection: boolean
  /** A connection that was not taken; `reason` follows "a connection from … was refused: it ". */
  readonly refused: (refusal: { readonly from: string; readonly reason: string }) => void
}

/**
 * Binds the client port and serves the chat there.
 * @throws StartupError if the address cannot be bound
 */
export async function listenForClients(options: ClientListenerOptions): Promise<ClientListener> {
  const { address, service, health, certificates, limits, refused } = options
  const connections = new ClientConnections(limits)
  const unfinished = requestDeadline(requestMs, (peer) => {
    refused({ from: hostOf(peer), reason: `left a request unfinished for ${requestMs} ms` })
    connections.disconnect(peer)
  })
  const grpc = createGrpcServer({ ...serverOptions, interceptors: [unfinished] })
  grpc.addService(service.definition, service.implementation)
  grpc.addService(health.definition, health.implementation)
  // Loaded only where it is wanted: it reads .proto files.
  if (options.reflection) await (await import('./reflection.ts')).addReflection(grpc)
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure())
  const door = new Door({
    certificates,
    mutual: false,
    handshakeMs,
    accepted: (connection) => injector.injectConnection(connection),
    refused,
  })
  const server = createServer({ noDelay: true }, (socket) => {
    // What breaks a connection is told by the calls on it; without a listener here it would end the process.
    socket.on('error', () => undefined)
    const fault = connections.admit(socket)
    if (fault === null) door.receive(socket)
    else {
      refused({ from: socket.remoteAddress ?? 'an unknown address', reason: fault })
      socket.destroy()
    }
  })
  await bind(server, address)
  return {
    disconnect: (peer) => connections.disconnect(peer),
    close: (withinMs) =>
      new Promise((resolve) => {
        server.close()
        const finish = (): void => {
          clearTimeout(deadline)
          grpc.forceShutdown()
          connections.destroyAll()
          resolve()
        }
        const deadline = setTimeout(finish, withinMs)
        grpc.tryShutdown(finish)
      }),
  }
}

/** Of a peer as `getPeer()` names it. */
function hostOf(peer: string): string {
  return peer.slice(0, peer.lastIndexOf(':'))
}

function bind(server: NetServer, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE'
          ? 'another program has it; stop that program or choose another port with --client-port or --servers'
          : error.message
      reject(new StartupError(`The client address ${address.text} cannot be used: ${why}.`, { cause: error }))
    })
    server.listen({ host: address.host, port: address.port, exclusive: true }, () => {
      server.removeAllListeners('error')
      // Too many open files, for one: what cannot be accepted now may be later.
      server.on('error', () => undefined)
      resolve()
    })
  })
}

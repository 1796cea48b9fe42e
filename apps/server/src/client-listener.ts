import { createServer, type Server as NetServer } from 'node:net'
import type { ChatService } from '@chatroom/chat-service'
import type { Address } from '@chatroom/configuration'
import { type Certificates, Door, GrpcServer, type GrpcServerOptions } from '@chatroom/transport-grpc'
import type { ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js'
import { ClientConnections, type ConnectionLimits } from './client-connections.ts'
import { StartupError } from './startup-error.ts'

/** Time for a request to arrive whole; milliseconds. The longest has less than 100 KiB. */
const requestMs = 10_000

/** Bounds and times of the client port. Lengths in bytes, times in milliseconds. Headers are bounded by `src/http2` of transport-grpc: 64 KiB and 128 of them in a request. */
const bounds: Omit<GrpcServerOptions, 'onFault' | 'unfinished'> = {
  // The longest valid text is 64 KiB; what is somewhat longer is refused by the service in clear words, what is far longer by gRPC.
  longestRequest: 1024 * 1024,
  // A client of ours has three connections.
  callsPerConnection: 1_024,
  // A client that vanished without a word is noticed within 40 seconds.
  pingMs: 30_000,
  silentMs: 10_000,
  idleMs: 15 * 60_000,
  // The service cuts slow readers off sooner, and says so in its log.
  patienceMs: 2 * 60_000,
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
  /** What a handler threw. */
  readonly onFault: (error: unknown) => void
}

/**
 * Binds the client port and serves the chat there.
 * @throws StartupError if the address cannot be bound
 */
export async function listenForClients(options: ClientListenerOptions): Promise<ClientListener> {
  const { address, service, health, certificates, limits, refused, onFault } = options
  const connections = new ClientConnections(limits)
  // gRPC keeps what has arrived of a request, up to its greatest length, for as long as the caller likes: a stranger could fill the memory with requests that are never finished.
  const late = (peer: string): void => {
    refused({ from: hostOf(peer), reason: `left a request unfinished for ${requestMs} ms` })
    connections.disconnect(peer)
  }
  const grpc = new GrpcServer({ ...bounds, unfinished: { withinMs: requestMs, late }, onFault })
  grpc.addService(service.definition, service.implementation)
  grpc.addService(health.definition, health.implementation)
  // Loaded only where it is wanted: it reads .proto files.
  if (options.reflection) await (await import('./reflection.ts')).addReflection(grpc)
  const door = new Door({
    certificates,
    mutual: false,
    handshakeMs,
    accepted: (connection) => grpc.accept(connection),
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
          grpc.destroy()
          connections.destroyAll()
          resolve()
        }
        const deadline = setTimeout(finish, withinMs)
        void grpc.close().then(finish)
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

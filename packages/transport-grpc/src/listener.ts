import { createServer, type Server, type Socket } from 'node:net'
import { formatAddress, type PeerAddress } from './address.ts'
import { TransportError } from './errors.ts'

/** A bound peer address. Ours and not the gRPC library's, because a refused connection to it is proof of a death: it has to be known when it closes. */
export interface Listener {
  /** What is really bound: an IP address and a port. */
  readonly address: PeerAddress
  /** Closes it and every connection it took. */
  close(): void
}

export interface ListenerEvents {
  connected(socket: Socket): void
  /** Once, unless `close` was called: the address is not bound any more. */
  lost(error: TransportError): void
}

/** Binds. Rejects with `address in use` or `address not available`. `server`: for tests. */
export function openListener(
  wanted: PeerAddress,
  events: ListenerEvents,
  server: Server = createServer({ noDelay: true }),
): Promise<Listener> {
  const sockets = new Set<Socket>()
  let closing = false
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // What breaks a connection is told by the call on it; without a listener here it would end the process.
    socket.on('error', () => {})
    events.connected(socket)
  })
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(bindError(wanted, error)))
    server.listen({ host: wanted.host, port: wanted.port, exclusive: true }, () => {
      const address = boundAddress(server, wanted)
      let cause: Error | undefined
      server.removeAllListeners('error')
      server.on('error', (error) => {
        cause = error
        server.close()
      })
      server.on('close', () => {
        if (!closing) events.lost(lostError(address, cause))
      })
      const close = (): void => {
        closing = true
        server.close()
        for (const socket of sockets) socket.destroy()
      }
      resolve({ address, close })
    })
  })
}

function boundAddress(server: Server, wanted: PeerAddress): PeerAddress {
  const bound = server.address()
  return bound === null || typeof bound === 'string' ? wanted : { host: bound.address, port: bound.port }
}

function lostError(address: PeerAddress, cause: Error | undefined): TransportError {
  const why = cause === undefined ? '' : ` (${cause.message})`
  return new TransportError(
    'listener lost',
    `The peer address ${formatAddress(address)} is not bound any more${why}. The other replicas now take this one for dead, so it must stop.`,
    { cause },
  )
}

function bindError(wanted: PeerAddress, error: NodeJS.ErrnoException): TransportError {
  const address = formatAddress(wanted)
  if (error.code === 'EADDRINUSE') {
    return new TransportError(
      'address in use',
      `The peer address ${address} is taken by another process: end that process, or choose another peer port.`,
      { cause: error },
    )
  }
  const hint = error.code === 'EACCES' ? 'choose a port above 1023' : 'choose an address of this host'
  return new TransportError(
    'address not available',
    `The peer address ${address} cannot be bound (${error.message}): ${hint}.`,
    {
      cause: error,
    },
  )
}

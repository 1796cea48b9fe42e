import { connect } from 'node:net'
import { ConfigurationError, parseAddress, type TlsFiles } from '@chatroom/configuration'
import {
  type AdminClient,
  connectAdmin,
  operatorCredentials,
  TransportError,
} from '@chatroom/transport-grpc/admin'
import type { AskStatus } from './status-polls.ts'

/**
 * Asks replicas over the admin plane. Keeps a connection while it works; after a failure the next question makes a new one, since gRPC would wait longer and longer
 * before it tries an address again, and a replica that comes back is to be noticed soon. `tls`: what the launcher shows as an operator; null for plain text.
 * @throws ConfigurationError if its files cannot be used
 */
export function createAskStatus(tls: TlsFiles | null): {
  readonly ask: AskStatus
  readonly close: () => void
} {
  const trust = tls === null ? {} : { credentials: credentialsOf(tls) }
  const clients = new Map<string, AdminClient>()
  const ask: AskStatus = async (address, deadlineMs) => {
    const client = clients.get(address) ?? connectAdmin(address, trust)
    clients.set(address, client)
    try {
      return { status: await client.status({ deadlineMs }) }
    } catch (error) {
      if (!(error instanceof TransportError)) throw error
      clients.delete(address)
      client.close()
      const refused = error.code === 'unreachable' && (await isRefused(address, deadlineMs))
      return { status: null, refused, reason: error.message.replace(/\.$/, '') }
    }
  }
  return {
    ask,
    close: () => {
      for (const client of clients.values()) client.close()
      clients.clear()
    },
  }
}

/** Whether nobody listens on the address. */
function isRefused(address: string, deadlineMs: number): Promise<boolean> {
  const parsed = parseAddress(address)
  if ('wrong' in parsed) return Promise.resolve(false)
  return new Promise((done) => {
    const socket = connect(parsed.port, parsed.host)
    const finish = (refused: boolean): void => {
      socket.destroy()
      done(refused)
    }
    socket.setTimeout(deadlineMs, () => finish(false))
    socket.once('connect', () => finish(false))
    socket.once('error', (error) => finish('code' in error && error.code === 'ECONNREFUSED'))
  })
}

function credentialsOf(tls: TlsFiles): ReturnType<typeof operatorCredentials> {
  try {
    return operatorCredentials(tls)
  } catch (cause) {
    if (!(cause instanceof TransportError)) throw cause
    throw new ConfigurationError('invalid value', cause.message, { cause })
  }
}

import { ConfigurationError, type TlsFiles } from '@chatroom/configuration'
import {
  type AdminClient,
  connectAdmin,
  operatorCredentials,
  TransportError,
} from '@chatroom/transport-grpc/admin'
import { type ReplicaClient, ReplicaUnreachable } from './replica-client.ts'

/** Milliseconds that a replica has to tell its status. */
const statusDeadline = 2_000
/** Milliseconds that a leader has to hand over, or to commit a change of the membership. */
const transferDeadline = 10_000

/** Milliseconds that a replica has to reach an entry and to hash its state. */
const hashDeadline = 60_000

/** Asks replicas over the admin plane, as the operator whose certificate this is; null: in plain text. @throws ConfigurationError if its files cannot be used */
export function createAdminReplicaClient(tls: TlsFiles | null): ReplicaClient {
  const trust = tls === null ? {} : { credentials: credentialsOf(tls) }
  const clients = new Map<string, AdminClient>()
  const call = async <T>(address: string, work: (client: AdminClient) => Promise<T>): Promise<T> => {
    const client = clients.get(address) ?? connectAdmin(address, trust)
    clients.set(address, client)
    try {
      return await work(client)
    } catch (error) {
      // gRPC would wait longer and longer before it tries an address again.
      clients.delete(address)
      client.close()
      throw error instanceof TransportError
        ? new ReplicaUnreachable(error.message.replace(/\.$/, ''), { cause: error })
        : error
    }
  }
  return {
    status: async (address) => await call(address, (client) => client.status({ deadlineMs: statusDeadline })),
    transferLeadership: async (address, to) =>
      await call(address, (client) =>
        client.transferLeadership(to ?? undefined, { deadlineMs: transferDeadline }),
      ),
    changeMembers: async (address, change) =>
      await call(address, (client) => client.changeMembers(change, { deadlineMs: transferDeadline })),
    logLevel: async (address, level) =>
      await call(address, (client) => client.logLevel(level ?? undefined, { deadlineMs: statusDeadline })),
    stateHash: async (address, index, howeverLong) =>
      await call(address, (client) => client.stateHash(index, { howeverLong, deadlineMs: hashDeadline })),
    listAccounts: async (address, prefix, after) =>
      await call(address, (client) => client.listAccounts({ prefix, after })),
    administerAccount: async (address, name, change) =>
      await call(address, (client) => client.administerAccount(name, change)),
    readMailbox: async (address, name, afterSequence) =>
      await call(address, (client) => client.readMailbox(name, afterSequence)),
    snapshot: async (address) => await call(address, (client) => client.snapshot()),
    close: () => {
      for (const client of clients.values()) client.close()
      clients.clear()
    },
  }
}

function credentialsOf(tls: TlsFiles): ReturnType<typeof operatorCredentials> {
  try {
    return operatorCredentials(tls)
  } catch (cause) {
    if (!(cause instanceof TransportError)) throw cause
    throw new ConfigurationError('invalid value', cause.message, { cause })
  }
}

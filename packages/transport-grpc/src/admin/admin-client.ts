import type { ReplicaId } from '@chatroom/election'
import type { MemberChange, ReplicaStatus } from '@chatroom/replica'
import type { SnapshotCopy } from '@chatroom/replication-log'
import {
  type CallOptions,
  type ChannelCredentials,
  type ClientUnaryCall,
  credentials as grpcCredentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import { TransportError } from '../errors.ts'
import { AdminServiceClient } from '../gen/chatroom/admin/v1/admin_service.ts'
import { cancelSoon } from '../leave-call.ts'
import { receiveSnapshot } from '../snapshot-stream.ts'
import {
  type AccountChange,
  type AdministeredAccount,
  accountActions,
  type MailboxMessage,
} from './account-methods.ts'
import type { StateHash } from './admin-service.ts'
import { encodeMemberChange } from './member-change-codec.ts'
import { decodeStatus } from './status-codec.ts'

export interface AdminCallOptions {
  /** Ends the wait; rejects with `aborted`. */
  readonly signal?: AbortSignal
  /** Milliseconds. Default: 2,000; 10,000 for `transferLeadership`, `changeMembers` and `stateHash`. */
  readonly deadlineMs?: number
}

/**
 * Asks one replica. Rejects with a `TransportError`: `unreachable` (nobody listens, no answer within the deadline), `refused` (the replica's own words), `aborted`, or
 * `malformed message` (a replica of a later version).
 */
export interface AdminClient {
  /** What the replica knows now. */
  status(options?: AdminCallOptions): Promise<ReplicaStatus>
  /** Resolves when another replica leads. `to`: absent for the one that is most up to date. */
  transferLeadership(to?: ReplicaId, options?: AdminCallOptions): Promise<void>
  /** Changes the membership by one replica (majority mode); only the leader does. Resolves when the change is committed. */
  changeMembers(change: MemberChange, options?: AdminCallOptions): Promise<void>
  /** Sets how much the replica logs, if a level is given. Gives the level that is set. */
  logLevel(level?: string, options?: AdminCallOptions): Promise<string>
  /**
   * The hash of its state as of the entry of this index; waits until it has applied it. `refused` if it has applied a later one, or if the state is so big that it
   * would stand still for too long and `howeverLong` was not given.
   */
  stateHash(
    atIndex: number,
    options?: AdminCallOptions & { readonly howeverLong?: boolean },
  ): Promise<StateHash>
  /** Accounts in the order of their names, behind `after`; at most 1,000 at once. Only the leader tells; so the next two. */
  listAccounts(
    page: { readonly prefix?: string; readonly after?: string; readonly limit?: number },
    options?: AdminCallOptions,
  ): Promise<readonly AdministeredAccount[]>
  /** `refused` if there is no such account. */
  administerAccount(name: string, change: AccountChange, options?: AdminCallOptions): Promise<void>
  /** What waits in its mailbox behind this message, in order; a part of it, and nothing at the end. */
  readMailbox(
    name: string,
    afterSequence: number,
    options?: AdminCallOptions,
  ): Promise<readonly MailboxMessage[]>
  /**
   * Everything the replica has applied, while it goes on. The chunks have to be read to their end, or `signal` aborted; they throw a `TransportError` if the snapshot breaks
   * off. There is no deadline.
   */
  snapshot(options?: Pick<AdminCallOptions, 'signal'>): Promise<SnapshotCopy>
  /** Gives back the connection. */
  close(): void
}

/** `address`: `host:port` of the replica's peer port. Connects with the first call. */
export function connectAdmin(
  address: string,
  { credentials = grpcCredentials.createInsecure() }: { readonly credentials?: ChannelCredentials } = {},
): AdminClient {
  // A proxy from the environment is not meant for replicas, and a pool shared with others would share their pauses between attempts.
  const client = new AdminServiceClient(address, credentials, {
    'grpc.enable_http_proxy': 0,
    'grpc.use_local_subchannel_pool': 1,
    // A replica that starts is reached within half a second; gRPC's own first pause would be a whole one, the next longer.
    'grpc.initial_reconnect_backoff_ms': 50,
    'grpc.max_reconnect_backoff_ms': 500,
    // Asked for by this name with TLS, which takes no IP address; whom the certificate is for is the credentials' to judge.
    'grpc.ssl_target_name_override': 'replica',
  })
  return {
    async status(options = {}) {
      const response = await call<Parameters<typeof decodeStatus>[0]>(
        address,
        options,
        2_000,
        (callOptions, done) => client.getStatus({}, new Metadata(), callOptions, done),
      )
      return decodeStatus(response)
    },
    async transferLeadership(to, options = {}) {
      await call(address, options, 10_000, (callOptions, done) =>
        client.transferLeadership({ to }, new Metadata(), callOptions, done),
      )
    },
    async changeMembers(change, options = {}) {
      await call(address, options, 10_000, (callOptions, done) =>
        client.changeMembers(encodeMemberChange(change), new Metadata(), callOptions, done),
      )
    },
    async logLevel(level, options = {}) {
      const response = await call<{ level: string }>(address, options, 2_000, (callOptions, done) =>
        client.setLogLevel({ level }, new Metadata(), callOptions, done),
      )
      return response.level
    },
    async stateHash(atIndex, { howeverLong = false, ...options } = {}) {
      return await call<StateHash>(address, options, 10_000, (callOptions, done) =>
        client.getStateHash({ atIndex, howeverLong }, new Metadata(), callOptions, done),
      )
    },
    async listAccounts({ prefix = '', after = '', limit = 0 }, options = {}) {
      const { accounts } = await call<{ accounts: AdministeredAccount[] }>(
        address,
        options,
        10_000,
        (callOptions, done) =>
          client.listAccounts({ prefix, after, limit }, new Metadata(), callOptions, done),
      )
      return accounts
    },
    async administerAccount(name, change, options = {}) {
      const request = { name, action: accountActions[change] }
      await call(address, options, 10_000, (callOptions, done) =>
        client.administerAccount(request, new Metadata(), callOptions, done),
      )
    },
    async readMailbox(name, afterSequence, options = {}) {
      const { messages } = await call<{ messages: MailboxMessage[] }>(
        address,
        options,
        10_000,
        (callOptions, done) => client.readMailbox({ name, afterSequence }, new Metadata(), callOptions, done),
      )
      return messages
    },
    async snapshot({ signal } = {}) {
      if (signal?.aborted) throw aborted(address)
      const call = client.saveSnapshot({})
      const abort = (): void => cancelSoon(call)
      signal?.addEventListener('abort', abort, { once: true })
      call.once('close', () => signal?.removeEventListener('abort', abort))
      return await receiveSnapshot(call, address, (error) =>
        signal?.aborted ? aborted(address) : failure(address, 0, error),
      )
    },
    close: () => client.close(),
  }
}

function call<Response>(
  address: string,
  { signal, deadlineMs }: AdminCallOptions,
  defaultMs: number,
  begin: (
    options: Partial<CallOptions>,
    done: (error: ServiceError | null, response?: Response) => void,
  ) => ClientUnaryCall,
): Promise<Response> {
  const ms = deadlineMs ?? defaultMs
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(aborted(address))
      return
    }
    const abort = (): void => cancelSoon(ongoing)
    const ongoing = begin({ deadline: Date.now() + ms }, (error, response) => {
      signal?.removeEventListener('abort', abort)
      if (error === null && response !== undefined) resolve(response)
      else if (signal?.aborted) reject(aborted(address))
      else reject(failure(address, ms, error))
    })
    signal?.addEventListener('abort', abort, { once: true })
  })
}

function aborted(address: string): TransportError {
  return new TransportError('aborted', `The call to ${address} was given up.`)
}

function failure(address: string, ms: number, error: ServiceError | null): TransportError {
  switch (error?.code) {
    case status.DEADLINE_EXCEEDED:
      return new TransportError('unreachable', `no answer from ${address} within ${ms} ms`, { cause: error })
    case status.UNAVAILABLE: {
      const refused = error.details.includes('ECONNREFUSED')
      // What OpenSSL makes of the first bytes of another protocol.
      const plain = /wrong version number|packet length too long/i.test(error.details)
      const words = refused
        ? `nobody listens on ${address}`
        : plain
          ? `${address} does not speak TLS: ask without certificates, or start the replicas with them`
          : `no connection to ${address} (${error.details})`
      return new TransportError('unreachable', words, { cause: error })
    }
    case status.UNAUTHENTICATED:
      return new TransportError('unreachable', `${address} refuses: ${error.details}`, { cause: error })
    case status.UNIMPLEMENTED:
      return new TransportError(
        'unreachable',
        `what listens on ${address} is not the peer port of a replica`,
        {
          cause: error,
        },
      )
    default:
      return new TransportError('refused', error?.details ?? `${address} gave no answer`, { cause: error })
  }
}

import type { ReplicaId } from '@chatroom/election'
import type { EntryAnswer, EntryHolder, EntryRequest, EntrySource } from '@chatroom/replica'
import type { Entry, SnapshotCopy } from '@chatroom/replication-log'
import { type ChannelCredentials, credentials, type ServiceError, status } from '@grpc/grpc-js'
import { formatAddress, type PeerAddress } from '../address.ts'
import { TransportError } from '../errors.ts'
import { type FetchResponse, RepairServiceClient } from '../gen/chatroom/replica/v1/repair_service.ts'
import { cancelSoon } from '../leave-call.ts'
import { isServiceError, receiveSnapshot } from '../snapshot-stream.ts'
import type { Certificates } from '../tls/certificates.ts'
import { replicaName } from '../tls/identity.ts'
import { entryKindName } from '../wire/names.ts'

export interface EntrySourceOptions {
  /** Whom to ask. */
  readonly id: ReplicaId
  /** Its peer port. */
  readonly address: PeerAddress
  /** The asking replica's own. Default: plain text. */
  readonly certificates?: Certificates
}

/** One message has parts of 256 KiB, or a single entry. */
const partBytes = 72 * 1024 * 1024
/** Of an answer no more is taken. */
const answerBytes = 160 * 1024 * 1024

/** Another replica's `RepairService`, for `mendFrom` of `createReplica`. `fetch` rejects with a `TransportError`. Connects for each call. */
export function createEntrySource({ id, address, certificates }: EntrySourceOptions): EntrySource {
  return {
    name: `replica ${id}`,
    fetch: (request, signal) =>
      ask(formatAddress(address), credentialsOf(certificates), replicaName(id), request, signal),
    snapshot: (signal) =>
      askSnapshot(formatAddress(address), credentialsOf(certificates), replicaName(id), signal),
  }
}

function credentialsOf(certificates: Certificates | undefined): ChannelCredentials {
  if (certificates === undefined) return credentials.createInsecure()
  const { ca, key, cert } = certificates.current()
  return credentials.createSsl(ca, key, cert)
}

function ask(
  address: string,
  trust: ChannelCredentials,
  name: string,
  { from, to }: EntryRequest,
  signal: AbortSignal,
): Promise<EntryAnswer> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(aborted(address))
    const client = newClient(address, trust, name)
    const call = client.fetch({ from, to: to ?? undefined })
    const abort = (): void => cancelSoon(call)
    const entries: Entry[] = []
    let clusterId = ''
    let holder: EntryHolder | undefined
    let bytes = 0
    let over = false
    const end = (error: Error | null): void => {
      if (over) return
      over = true
      signal.removeEventListener('abort', abort)
      client.close()
      if (error === null) resolve({ clusterId, entries, ...(holder === undefined ? {} : { holder }) })
      else reject(error)
    }
    signal.addEventListener('abort', abort, { once: true })
    call.on('data', (part: FetchResponse) => {
      if (over) return
      clusterId = part.clusterId
      holder ??= part.holder
      for (const each of part.entries) {
        const { index, term, time, payload } = each
        const kind = entryKindName(each.kind)
        bytes += payload.length
        if (kind === undefined || index !== from + entries.length || bytes > answerBytes) {
          cancelSoon(call)
          return end(
            new TransportError(
              'malformed message',
              `${address} answered with other entries than it was asked for`,
            ),
          )
        }
        entries.push({ index, term, time, kind, payload: Uint8Array.from(payload) })
      }
    })
    call.on('error', (error: ServiceError) =>
      end(signal.aborted ? aborted(address) : failure(address, error)),
    )
    call.on('end', () => end(null))
  })
}

/** The connection is given back when the snapshot is read to its end, or `signal` aborts. */
async function askSnapshot(
  address: string,
  trust: ChannelCredentials,
  name: string,
  signal: AbortSignal,
): Promise<SnapshotCopy | null> {
  if (signal.aborted) throw aborted(address)
  const client = newClient(address, trust, name)
  const call = client.fetchSnapshot({})
  const abort = (): void => cancelSoon(call)
  const end = (): void => {
    signal.removeEventListener('abort', abort)
    client.close()
  }
  call.once('close', end)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await receiveSnapshot(call, address, (error) =>
      signal.aborted ? aborted(address) : failure(address, error),
    )
  } catch (error) {
    abort()
    if (
      error instanceof TransportError &&
      isServiceError(error.cause) &&
      error.cause.code === status.NOT_FOUND
    )
      return null
    throw error
  }
}

function newClient(address: string, trust: ChannelCredentials, name: string): RepairServiceClient {
  return new RepairServiceClient(address, trust, {
    'grpc.enable_http_proxy': 0,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.ssl_target_name_override': name,
    'grpc.max_receive_message_length': partBytes,
  })
}

function aborted(address: string): TransportError {
  return new TransportError('aborted', `${address} did not answer in time`)
}

function failure(address: string, error: ServiceError): TransportError {
  const refused = error.code === status.UNAVAILABLE && error.details.includes('ECONNREFUSED')
  return new TransportError(
    'unreachable',
    refused ? `nobody listens on ${address}` : `${address}: ${error.details}`,
    {
      cause: error,
    },
  )
}

import type { ReplicaId } from '@chatroom/election'
import { type Entry, entryBytes, StorageError } from '@chatroom/replication-log'
import { type handleServerStreamingCall, status } from '@grpc/grpc-js'
import { type PeerCredentials, plainText } from '../credentials.ts'
import {
  type FetchRequest,
  type FetchResponse,
  RepairServiceService,
} from '../gen/chatroom/replica/v1/repair_service.ts'
import type { PeerService } from '../transport.ts'
import { entryKindNumber } from '../wire/names.ts'

/** What the repair service needs of a running replica. */
export interface EntryKeeper {
  readonly clusterId: string
  /** Entries from `from` on that are durable, as the Storage port's `read`. */
  read(from: number, maxBytes: number): Promise<readonly Entry[]>
}

export interface RepairServiceOptions {
  /** The other replicas: nobody else may ask. */
  readonly peers: readonly ReplicaId[]
  /** Those of the transport. Default: plain text, where everybody who reaches the port may ask. */
  readonly credentials?: Pick<PeerCredentials, 'faultOfReplica'>
}

const partBytes = 256 * 1024
const callBytes = 64 * 1024 * 1024
/** More calls than this at once are refused: answering must not keep a replica from its work. */
const mostCalls = 2

/** `chatroom.replica.v1.RepairService` for a replica, to be registered on its peer port. `keeper` throws while the replica does not run. */
export function repairService(
  keeper: () => EntryKeeper,
  { peers, credentials = plainText }: RepairServiceOptions,
): PeerService {
  let calls = 0
  const fetch: handleServerStreamingCall<FetchRequest, FetchResponse> = (call) => {
    const refuse = (code: status, details: string): void => void call.emit('error', { code, details })
    const faults = peers.map((id) => credentials.faultOfReplica(call, id))
    const [fault] = faults
    if (fault !== undefined && fault !== null && !faults.includes(null))
      return refuse(status.UNAUTHENTICATED, fault)
    const { from, to } = call.request
    if (from < 1 || (to !== undefined && to < from))
      return refuse(status.INVALID_ARGUMENT, `Entries ${from} to ${to ?? 'the end'}: there is no such range.`)
    if (calls >= mostCalls)
      return refuse(status.RESOURCE_EXHAUSTED, `This replica answers ${mostCalls} calls for repair already.`)
    calls++
    answer(keeper, call.request, (part) => send(call, part))
      .then(
        () => call.end(),
        (error: unknown) => {
          const details = error instanceof Error ? error.message : String(error)
          refuse(status.UNAVAILABLE, details)
        },
      )
      .finally(() => {
        calls--
      })
  }
  return { definition: RepairServiceService, implementation: { fetch } }
}

/** `send` resolves to false when nobody waits for more. */
async function answer(
  keeper: () => EntryKeeper,
  { from, to }: FetchRequest,
  send: (part: FetchResponse) => Promise<boolean>,
): Promise<void> {
  const { clusterId } = keeper()
  if (!(await send({ clusterId, entries: [] }))) return
  let bytes = 0
  for (let next = from; to === undefined || next <= to; ) {
    const found = await readFrom(keeper(), next)
    const wanted = found.filter(({ index }) => to === undefined || index <= to)
    const last = wanted.at(-1)
    if (last === undefined) return
    for (const entry of wanted) bytes += entryBytes(entry)
    if (bytes > callBytes && next > from) return
    if (!(await send({ clusterId, entries: wanted.map(toWire) }))) return
    next = last.index + 1
  }
}

/** None, if it has given them up or cannot read them itself. */
async function readFrom(keeper: EntryKeeper, from: number): Promise<readonly Entry[]> {
  try {
    return await keeper.read(from, partBytes)
  } catch (error) {
    if (error instanceof StorageError && (error.code === 'compacted' || error.code === 'corrupt')) return []
    throw error
  }
}

function toWire({ index, term, time, kind, payload }: Entry): FetchResponse['entries'][number] {
  return { index, term, time, kind: entryKindNumber(kind), payload }
}

type FetchCall = Parameters<handleServerStreamingCall<FetchRequest, FetchResponse>>[0]

/** Waits until there is room for more. */
function send(call: FetchCall, part: FetchResponse): Promise<boolean> {
  if (call.cancelled) return Promise.resolve(false)
  if (call.write(part)) return Promise.resolve(true)
  return new Promise((resolve) => {
    const settle = (go: boolean) => (): void => {
      call.off('drain', more)
      call.off('cancelled', gone)
      resolve(go)
    }
    const more = settle(true)
    const gone = settle(false)
    call.on('drain', more)
    call.on('cancelled', gone)
  })
}

import type { ReplicaId } from '@chatroom/election'
import type { EntryHolder, SavedSnapshot } from '@chatroom/replica'
import { type Entry, entryBytes, StorageError } from '@chatroom/replication-log'
import { type handleServerStreamingCall, status } from '@grpc/grpc-js'
import { type CallOrigin, type PeerCredentials, plainText } from '../credentials.ts'
import {
  type FetchRequest,
  type FetchResponse,
  type FetchSnapshotRequest,
  type FetchSnapshotResponse,
  RepairServiceService,
} from '../gen/chatroom/replica/v1/repair_service.ts'
import { sendPart, sendSnapshot } from '../snapshot-stream.ts'
import type { PeerService } from '../transport.ts'
import { entryKindNumber } from '../wire/names.ts'

/** What the repair service needs of a running replica. */
export interface EntryKeeper {
  readonly clusterId: string
  /** What it says of itself; null while it does not take part. */
  readonly holder: EntryHolder | null
  /** Entries from `from` on that are durable, as the Storage port's `read`. */
  read(from: number, maxBytes: number): Promise<readonly Entry[]>
  /** A snapshot of what it has applied; null if that is nothing. */
  snapshot(): Promise<SavedSnapshot | null>
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
  /** Answers, if it may be asked and is not asked too much. */
  const serve = (call: Refusable, work: () => Promise<void>): void => {
    const refuse = (code: status, details: string): void => void call.emit('error', { code, details })
    const faults = peers.map((id) => credentials.faultOfReplica(call, id))
    const [fault] = faults
    if (fault !== undefined && fault !== null && !faults.includes(null))
      return refuse(status.UNAUTHENTICATED, fault)
    if (calls >= mostCalls)
      return refuse(status.RESOURCE_EXHAUSTED, `This replica answers ${mostCalls} calls for repair already.`)
    calls++
    work()
      .then(
        () => call.end(),
        (error: unknown) => {
          const details = error instanceof Error ? error.message : String(error)
          refuse(error instanceof Unable ? error.status : status.UNAVAILABLE, details)
        },
      )
      .finally(() => {
        calls--
      })
  }
  const fetch: handleServerStreamingCall<FetchRequest, FetchResponse> = (call) =>
    serve(call, async () => {
      const { from, to } = call.request
      if (from < 1 || (to !== undefined && to < from))
        throw new Unable(
          status.INVALID_ARGUMENT,
          `Entries ${from} to ${to ?? 'the end'}: there is no such range.`,
        )
      await answer(keeper, call.request, (part) => sendPart(call, part))
    })
  const fetchSnapshot: handleServerStreamingCall<FetchSnapshotRequest, FetchSnapshotResponse> = (call) =>
    serve(call, async () => {
      const saved = await keeper().snapshot()
      if (saved === null) throw new Unable(status.NOT_FOUND, 'This replica has applied nothing yet.')
      await sendSnapshot(call, saved)
    })
  return { definition: RepairServiceService, implementation: { fetch, fetchSnapshot } }
}

type Refusable = CallOrigin & { emit(event: 'error', error: object): boolean; end(): unknown }

/** A reason of its own not to answer. */
class Unable extends Error {
  readonly status: status
  constructor(code: status, message: string) {
    super(message)
    this.status = code
  }
}

/** `send` resolves to false when nobody waits for more. */
async function answer(
  keeper: () => EntryKeeper,
  { from, to }: FetchRequest,
  send: (part: FetchResponse) => Promise<boolean>,
): Promise<void> {
  const { clusterId, holder } = keeper()
  if (!(await send({ clusterId, entries: [], holder: holder ?? undefined }))) return
  let bytes = 0
  let sent: Entry | undefined
  for (let next = from; to === undefined || next <= to; ) {
    const found = await readFrom(keeper(), next)
    // Logs that agree in one entry agree in all before it.
    if (sent !== undefined && (await readFrom(keeper(), sent.index, 1))[0]?.term !== sent.term)
      throw new Unable(status.UNAVAILABLE, 'The log of this replica changed meanwhile.')
    const wanted = found.filter(({ index }) => to === undefined || index <= to)
    const last = wanted.at(-1)
    if (last === undefined) return
    for (const entry of wanted) bytes += entryBytes(entry)
    if (bytes > callBytes && next > from) return
    if (!(await send({ clusterId, entries: wanted.map(toWire), holder: undefined }))) return
    sent = last
    next = last.index + 1
  }
}

/** None, if it has given them up or cannot read them itself. */
async function readFrom(
  keeper: EntryKeeper,
  from: number,
  maxBytes: number = partBytes,
): Promise<readonly Entry[]> {
  try {
    return await keeper.read(from, maxBytes)
  } catch (error) {
    if (error instanceof StorageError && (error.code === 'compacted' || error.code === 'corrupt')) return []
    throw error
  }
}

function toWire({ index, term, time, kind, payload }: Entry): FetchResponse['entries'][number] {
  return { index, term, time, kind: entryKindNumber(kind), payload }
}

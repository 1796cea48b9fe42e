import type { ReplicaId } from '@chatroom/election'
import type { MemberChange, ReplicaStatus, SavedSnapshot } from '@chatroom/replica'
import type {
  handleServerStreamingCall,
  handleUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { type CallOrigin, type PeerCredentials, plainText } from '../credentials.ts'
import {
  AdminServiceService,
  type ChangeMembersRequest,
  type ChangeMembersResponse,
  type GetStateHashRequest,
  type GetStateHashResponse,
  type GetStatusRequest,
  type GetStatusResponse,
  type SaveSnapshotRequest,
  type SaveSnapshotResponse,
  type SetLogLevelRequest,
  type SetLogLevelResponse,
  type TransferLeadershipRequest,
  type TransferLeadershipResponse,
} from '../gen/chatroom/admin/v1/admin_service.ts'
import { sendSnapshot } from '../snapshot-stream.ts'
import { type AccountAdministration, accountMethods } from './account-methods.ts'
import { answer, Busy, Nothing, Stranger, statusCodeOf, Unoffered } from './answer.ts'
import { decodeMemberChange } from './member-change-codec.ts'
import { encodeStatus } from './status-codec.ts'

/** What the admin service needs of a replica. */
export interface Administered {
  status(): ReplicaStatus
  transferLeadership(to?: ReplicaId): Promise<void>
  /** Changes the membership by one. Rejects with a `ReplicaError`. Absent: refused. */
  changeMembers?(change: MemberChange): Promise<void>
  /** Sets the level, if one is given, and gives the one that is set. Throws a `ReplicaError` 'invalid configuration' for what is no level. Absent: refused. */
  logLevel?(level?: string): string
  /** The state's hash as of this entry. Rejects with a `ReplicaError`. Absent: refused. */
  stateHash?(atIndex: number, howeverLong: boolean): Promise<StateHash>
  /** Absent: refused. */
  readonly accounts?: AccountAdministration
  /** Everything it has applied; null if that is nothing. Rejects with a `ReplicaError`. Absent: refused. */
  snapshot?(): Promise<SavedSnapshot | null>
}

/** The state of one replica, summed up. */
export interface StateHash {
  readonly hash: string
  /** Milliseconds for which the replica did nothing else. */
  readonly tookMs: number
}

/**
 * `chatroom.admin.v1.AdminService` for a replica, to be registered on its peer port (`services` of `createGrpcTransport`).
 * `credentials`: those of the transport; by default everybody who reaches the port may ask.
 */
export function adminService(
  replica: Administered,
  { credentials = plainText }: { readonly credentials?: Pick<PeerCredentials, 'faultOfOperator'> } = {},
): {
  readonly definition: ServiceDefinition
  readonly implementation: UntypedServiceImplementation
} {
  const allow = (call: CallOrigin): void => {
    const fault = credentials.faultOfOperator(call)
    if (fault !== null) throw new Stranger(fault)
  }
  const getStatus: handleUnaryCall<GetStatusRequest, GetStatusResponse> = (call, callback) => {
    answer(() => {
      allow(call)
      return encodeStatus(replica.status())
    }, callback)
  }
  const transferLeadership: handleUnaryCall<TransferLeadershipRequest, TransferLeadershipResponse> = (
    call,
    callback,
  ) => {
    answer(async () => {
      allow(call)
      await replica.transferLeadership(call.request.to)
      return {}
    }, callback)
  }
  const changeMembers: handleUnaryCall<ChangeMembersRequest, ChangeMembersResponse> = (call, callback) => {
    answer(async () => {
      allow(call)
      if (replica.changeMembers === undefined) throw new Unoffered('this replica changes no membership')
      await replica.changeMembers(decodeMemberChange(call.request))
      return {}
    }, callback)
  }
  const setLogLevel: handleUnaryCall<SetLogLevelRequest, SetLogLevelResponse> = (call, callback) => {
    answer(() => {
      allow(call)
      if (replica.logLevel === undefined) throw new Unoffered('this replica has no log level to change')
      return { level: replica.logLevel(call.request.level) }
    }, callback)
  }
  const accounts = accountMethods(replica.accounts, allow, answer)
  const getStateHash: handleUnaryCall<GetStateHashRequest, GetStateHashResponse> = (call, callback) => {
    answer(async () => {
      allow(call)
      if (replica.stateHash === undefined) throw new Unoffered('this replica cannot hash its state')
      return await replica.stateHash(call.request.atIndex, call.request.howeverLong)
    }, callback)
  }
  let saving = false
  const save = async (
    call: ServerWritableStream<SaveSnapshotRequest, SaveSnapshotResponse>,
  ): Promise<void> => {
    allow(call)
    if (replica.snapshot === undefined) throw new Unoffered('this replica gives no snapshot')
    if (saving) throw new Busy('this replica gives a snapshot to another already')
    saving = true
    try {
      const saved = await replica.snapshot()
      if (saved === null) throw new Nothing('this replica has applied nothing yet')
      await sendSnapshot(call, saved)
    } finally {
      saving = false
    }
  }
  const saveSnapshot: handleServerStreamingCall<SaveSnapshotRequest, SaveSnapshotResponse> = (call) => {
    save(call).then(
      () => call.end(),
      (error: unknown) => {
        const details = error instanceof Error ? error.message : String(error)
        call.emit('error', { code: statusCodeOf(error), details })
      },
    )
  }
  return {
    definition: AdminServiceService,
    implementation: {
      getStatus,
      transferLeadership,
      changeMembers,
      setLogLevel,
      getStateHash,
      saveSnapshot,
      ...accounts,
    },
  }
}

import type { ReplicaId } from '@chatroom/election'
import type { ReplicaErrorCode, ReplicaStatus } from '@chatroom/replica'
import {
  type handleUnaryCall,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { type CallOrigin, type PeerCredentials, plainText } from '../credentials.ts'
import {
  AdminServiceService,
  type GetStatusRequest,
  type GetStatusResponse,
  type TransferLeadershipRequest,
  type TransferLeadershipResponse,
} from '../gen/chatroom/admin/v1/admin_service.ts'
import { encodeStatus } from './status-codec.ts'

/** What the admin service needs of a replica. */
export interface Administered {
  status(): ReplicaStatus
  transferLeadership(to?: ReplicaId): Promise<void>
}

/** Refusals are the replica's own words; anything else is a fault. */
const statusCodes: Record<ReplicaErrorCode, status> = {
  'not leader': status.FAILED_PRECONDITION,
  'not ready': status.FAILED_PRECONDITION,
  'outcome unknown': status.ABORTED,
  overloaded: status.RESOURCE_EXHAUSTED,
  'storage full': status.RESOURCE_EXHAUSTED,
  aborted: status.ABORTED,
  stopped: status.FAILED_PRECONDITION,
  halted: status.FAILED_PRECONDITION,
  'invalid configuration': status.INVALID_ARGUMENT,
}

/** Whoever may not use the service; the message is for them. */
class Stranger extends Error {}

function statusCodeOf(error: unknown): status {
  if (error instanceof Stranger) return status.UNAUTHENTICATED
  if (!(error instanceof Error) || !('code' in error)) return status.INTERNAL
  for (const [code, number] of Object.entries(statusCodes)) if (code === error.code) return number
  return status.INTERNAL
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
  return { definition: AdminServiceService, implementation: { getStatus, transferLeadership } }
}

type Callback<Response> = (error: { code: status; details: string } | null, response?: Response) => void

function answer<Response>(make: () => Response | Promise<Response>, callback: Callback<Response>): void {
  Promise.resolve()
    .then(make)
    .then(
      (response) => callback(null, response),
      (error: unknown) => {
        const details = error instanceof Error ? error.message : String(error)
        callback({ code: statusCodeOf(error), details })
      },
    )
}

import type { ReplicaErrorCode } from '@chatroom/replica'
import { status } from '@grpc/grpc-js'

/** Refusals are the replica's own words; anything else is a fault. */
const statusCodes: Record<ReplicaErrorCode, status> = {
  'not leader': status.FAILED_PRECONDITION,
  'not ready': status.FAILED_PRECONDITION,
  'outcome unknown': status.ABORTED,
  overloaded: status.RESOURCE_EXHAUSTED,
  'storage full': status.RESOURCE_EXHAUSTED,
  'unsupported version': status.FAILED_PRECONDITION,
  aborted: status.ABORTED,
  stopped: status.FAILED_PRECONDITION,
  halted: status.FAILED_PRECONDITION,
  'invalid configuration': status.INVALID_ARGUMENT,
}

/** Whoever may not use the service; the message is for them. */
export class Stranger extends Error {}

/** What this replica does not offer, or does not know. */
export class Unoffered extends Error {}

/** There is nothing to give. */
export class Nothing extends Error {}

/** It does that for another already. */
export class Busy extends Error {}

export function statusCodeOf(error: unknown): status {
  if (error instanceof Stranger) return status.UNAUTHENTICATED
  if (error instanceof Unoffered) return status.FAILED_PRECONDITION
  if (error instanceof Nothing) return status.NOT_FOUND
  if (error instanceof Busy) return status.RESOURCE_EXHAUSTED
  if (error instanceof Error && 'grpcStatus' in error && error.grpcStatus === status.NOT_FOUND)
    return status.NOT_FOUND
  if (!(error instanceof Error) || !('code' in error)) return status.INTERNAL
  for (const [code, number] of Object.entries(statusCodes)) if (code === error.code) return number
  return status.INTERNAL
}

type Callback<Response> = (error: { code: status; details: string } | null, response?: Response) => void

/** Answers a call with what `make` gives, or with the status and the words of what it throws. */
export function answer<Response>(
  make: () => Response | Promise<Response>,
  callback: Callback<Response>,
): void {
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

export type Answer = typeof answer

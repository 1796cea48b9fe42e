import type { ChatErrorReason } from '@chatroom/transport-grpc/chat'
import type { Admission } from './admission.ts'
import { ChatFailure } from './failure.ts'
import type { ServiceLimits } from './limits.ts'
import type { LoginAttempts } from './login-attempts.ts'
import type { ChatReplica, Clock, Passwords, Random, ServiceTracing } from './ports.ts'
import type { RetryTimetable } from './retry-timetable.ts'
import type { TokenBuckets } from './token-buckets.ts'

/** What every part of one service shares. */
export interface ServiceContext {
  readonly replica: ChatReplica
  readonly limits: ServiceLimits
  readonly clock: Clock
  readonly random: Random
  readonly passwords: Passwords
  readonly admission: Admission
  /** When those are to come again who had no room. */
  readonly retries: RetryTimetable
  readonly attempts: LoginAttempts
  /** Messages, by the id of the account that sends them. */
  readonly sends: TokenBuckets<number>
  /** Follows messages and calls; null: nobody does. */
  readonly tracing: ServiceTracing | null
  /** Told of every error that is a fault of the server. The error holds nothing secret. */
  readonly onFault: (error: unknown) => void
  /** Told why a call, or one message of a stream, was refused. */
  readonly onRefusal: (reason: ChatErrorReason) => void
  /** The service takes no new calls. */
  readonly isStopped: () => boolean
}

/** Throws what a new call is told once the service stops. */
export function refuseIfStopped(context: Pick<ServiceContext, 'isStopped'>): void {
  if (context.isStopped()) throw stopping()
}

export function stopping(): ChatFailure {
  return new ChatFailure('NOT_LEADER', 'This replica is stopping: try another.')
}

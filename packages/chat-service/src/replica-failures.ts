import { ReplicaError, type ReplicaErrorCode } from '@chatroom/replica'
import type { ChatErrorReason } from '@chatroom/transport-grpc/chat'
import { ChatFailure } from './failure.ts'
import { defaultLimits } from './limits.ts'

const reasons: Record<
  ReplicaErrorCode,
  {
    readonly reason: ChatErrorReason
    /** Null: the replica's own words, which say more. */
    readonly message: string | null
    readonly retryAfterMs?: number
  }
> = {
  'not leader': { reason: 'NOT_LEADER', message: 'This replica does not lead: try the leader.' },
  'not ready': {
    reason: 'NOT_READY',
    message: 'The leader may not serve yet: try again.',
    retryAfterMs: defaultLimits.retryAfterMs,
  },
  'outcome unknown': {
    reason: 'OUTCOME_UNKNOWN',
    message: 'Leadership was lost while the request was under way: try again with the same request id.',
  },
  overloaded: {
    reason: 'OVERLOADED',
    message: 'Too much is under way: try again in a moment.',
    retryAfterMs: defaultLimits.retryAfterMs,
  },
  // Not retriable by itself: somebody has to make room. It was refused for certain, so what follows on a stream may go on.
  'storage full': { reason: 'LIMIT_REACHED', message: null },
  // Nor this: somebody has to upgrade a replica.
  'unsupported version': { reason: 'LIMIT_REACHED', message: null },
  aborted: { reason: 'OUTCOME_UNKNOWN', message: 'The wait ended: try again with the same request id.' },
  stopped: { reason: 'NOT_LEADER', message: 'This replica is starting or stopping: try another.' },
  halted: { reason: 'NOT_LEADER', message: 'This replica has stopped itself: try another.' },
  'invalid configuration': {
    reason: 'INTERNAL',
    message: 'This replica is configured wrongly: see its log.',
  },
}

function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`
}

/** Any error of a call as what its caller is told. What is not understood becomes INTERNAL and goes to `onFault`; its text stays here. */
export function toFailure(error: unknown, onFault: (error: unknown) => void): ChatFailure {
  if (error instanceof ChatFailure) return error
  if (error instanceof ReplicaError) {
    const { reason, message, retryAfterMs = 0 } = reasons[error.code]
    const leader =
      error.leader === null || error.leader.address === ''
        ? null
        : { address: error.leader.address, term: error.leader.term }
    return new ChatFailure(reason, message ?? sentence(error.message), { leader, retryAfterMs, cause: error })
  }
  onFault(error)
  return new ChatFailure('INTERNAL', 'A fault of the server: see its log.', { cause: error })
}

import {
  type ChatErrorReason,
  chatError,
  chatMessageError,
  type GrpcCodeName,
  type MessageError,
} from '@chatroom/transport-grpc/chat'
import type { ServiceError } from '@grpc/grpc-js'

interface Kind {
  readonly code: Exclude<GrpcCodeName, 'OK'>
  /** The same request, sent again with the same request id, may succeed by itself: here later, or at another replica now. */
  readonly retriable: boolean
}

const kinds: Record<ChatErrorReason, Kind> = {
  NOT_LEADER: { code: 'UNAVAILABLE', retriable: true },
  NOT_READY: { code: 'UNAVAILABLE', retriable: true },
  OUTCOME_UNKNOWN: { code: 'UNAVAILABLE', retriable: true },
  OVERLOADED: { code: 'RESOURCE_EXHAUSTED', retriable: true },
  INVALID_NAME: { code: 'INVALID_ARGUMENT', retriable: false },
  INVALID_PASSWORD: { code: 'INVALID_ARGUMENT', retriable: false },
  INVALID_TEXT: { code: 'INVALID_ARGUMENT', retriable: false },
  INVALID_REQUEST_ID: { code: 'INVALID_ARGUMENT', retriable: false },
  INVALID_ARGUMENT: { code: 'INVALID_ARGUMENT', retriable: false },
  REQUEST_ID_REUSED: { code: 'INVALID_ARGUMENT', retriable: false },
  NAME_TAKEN: { code: 'ALREADY_EXISTS', retriable: false },
  WRONG_CREDENTIALS: { code: 'UNAUTHENTICATED', retriable: false },
  NOT_LOGGED_IN: { code: 'UNAUTHENTICATED', retriable: false },
  LOGGED_IN_ELSEWHERE: { code: 'FAILED_PRECONDITION', retriable: false },
  SESSION_TAKEN_OVER: { code: 'UNAUTHENTICATED', retriable: false },
  SESSION_EXPIRED: { code: 'UNAUTHENTICATED', retriable: false },
  ACCOUNT_DELETED: { code: 'UNAUTHENTICATED', retriable: false },
  UNKNOWN_RECIPIENT: { code: 'NOT_FOUND', retriable: false },
  SEND_TO_SELF: { code: 'INVALID_ARGUMENT', retriable: false },
  // Somebody has to read the mailbox first: no retry heals it by itself.
  MAILBOX_FULL: { code: 'RESOURCE_EXHAUSTED', retriable: false },
  NOT_CONFIRMED: { code: 'FAILED_PRECONDITION', retriable: false },
  LOGGED_OUT: { code: 'UNAUTHENTICATED', retriable: false },
  LIMIT_REACHED: { code: 'RESOURCE_EXHAUSTED', retriable: false },
  // A program that tried again by itself would only try the wrong password again.
  TOO_MANY_ATTEMPTS: { code: 'RESOURCE_EXHAUSTED', retriable: false },
  PASSWORD_CHANGED: { code: 'UNAUTHENTICATED', retriable: false },
  INTERNAL: { code: 'INTERNAL', retriable: false },
}

/** Where to go instead, with `NOT_LEADER`. */
export interface LeaderAddress {
  /** `host:port` of the leader's client port. */
  readonly address: string
  /** The term in which it leads. */
  readonly term: number
}

/**
 * Why a call failed, before it is put into the wire's form. The message goes to the caller: it says what happened, to what, and what to
 * do next, and never contains a password, a token, or text of another user.
 */
export class ChatFailure extends Error {
  override readonly name = 'ChatFailure'
  readonly reason: ChatErrorReason
  readonly leader: LeaderAddress | null
  /** Milliseconds the caller should wait at least; 0: no advice. */
  readonly retryAfterMs: number

  constructor(
    reason: ChatErrorReason,
    message: string,
    options: { leader?: LeaderAddress | null; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    // Where it was thrown nobody reads: it is an answer. To find that out takes a tenth of what a refusal takes, and many are refused when there is no time for it.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    Error.stackTraceLimit = stackTraceLimit
    this.reason = reason
    this.leader = options.leader ?? null
    this.retryAfterMs = options.retryAfterMs ?? 0
  }

  /** The same request may succeed by itself when sent again. */
  get retriable(): boolean {
    return kinds[this.reason].retriable
  }

  /** How a whole call fails with it. */
  toServiceError(): ServiceError {
    return chatError(kinds[this.reason].code, this.reason, this.message, this.#extra())
  }

  /** How one message of a `SendMessages` stream fails with it. */
  toMessageError(): MessageError {
    return chatMessageError(kinds[this.reason].code, this.reason, this.message, this.#extra())
  }

  #extra(): { leaderAddress: string; leaderTerm: number; retryAfterMs: number } {
    return {
      leaderAddress: this.leader?.address ?? '',
      leaderTerm: this.leader?.term ?? 0,
      retryAfterMs: this.retryAfterMs,
    }
  }
}

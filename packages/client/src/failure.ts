import { type ChatErrorInfo, type ChatErrorReason, readChatError } from '@chatroom/transport-grpc/chat'
import type { ServiceError } from '@grpc/grpc-js'
import { ChatError, type ChatErrorCode } from './error.ts'

/** What a failed try means for what to do next. */
export type Failure =
  /** That replica leads no more, or is gone: ask who leads. */
  | {
      readonly kind: 'lost'
      readonly message: string
      /** Whom it named instead. */
      readonly leader: string | null
      /** True if the request was surely not done; otherwise nobody knows yet. */
      readonly undone: boolean
    }
  /** Not now: try again after a pause, and meanwhile doubt that the replica leads. */
  | {
      readonly kind: 'later'
      readonly message: string
      readonly afterMs: number
      readonly overloaded: boolean
      readonly undone: boolean
    }
  /** The answer is no, everywhere and always. */
  | { readonly kind: 'refused'; readonly error: ChatError }

type Retriable = 'NOT_LEADER' | 'NOT_READY' | 'OUTCOME_UNKNOWN' | 'OVERLOADED'

const refusals: Readonly<Record<Exclude<ChatErrorReason, Retriable>, ChatErrorCode>> = {
  INVALID_NAME: 'invalid name',
  INVALID_PASSWORD: 'invalid password',
  INVALID_TEXT: 'invalid text',
  INVALID_REQUEST_ID: 'invalid request id',
  INVALID_ARGUMENT: 'invalid argument',
  REQUEST_ID_REUSED: 'request id reused',
  NAME_TAKEN: 'name taken',
  WRONG_CREDENTIALS: 'wrong credentials',
  NOT_LOGGED_IN: 'not logged in',
  LOGGED_IN_ELSEWHERE: 'logged in elsewhere',
  SESSION_TAKEN_OVER: 'session taken over',
  SESSION_EXPIRED: 'session expired',
  ACCOUNT_DELETED: 'account deleted',
  UNKNOWN_RECIPIENT: 'unknown recipient',
  SEND_TO_SELF: 'send to self',
  MAILBOX_FULL: 'mailbox full',
  NOT_CONFIRMED: 'not confirmed',
  LOGGED_OUT: 'logged out',
  PASSWORD_CHANGED: 'password changed',
  TOO_MANY_ATTEMPTS: 'too many attempts',
  LIMIT_REACHED: 'limit reached',
  INTERNAL: 'internal',
}

/** Decides what an error on the wire means. */
export function failureOf(info: ChatErrorInfo): Failure {
  const { reason, message, retryAfterMs } = info
  switch (reason) {
    case 'NOT_LEADER':
      return { kind: 'lost', message, leader: info.leader?.address ?? null, undone: true }
    case 'OUTCOME_UNKNOWN':
      return { kind: 'lost', message, leader: null, undone: false }
    case 'NOT_READY':
      return { kind: 'later', message, afterMs: retryAfterMs, overloaded: false, undone: true }
    case 'OVERLOADED':
      return { kind: 'later', message, afterMs: retryAfterMs, overloaded: true, undone: true }
    case null:
      return withoutReason(info)
    default:
      return { kind: 'refused', error: new ChatError(refusals[reason], message) }
  }
}

/** What gRPC itself says: a broken connection, a reset stream, something between that is no chat server. */
function withoutReason({ code, message }: ChatErrorInfo): Failure {
  switch (code) {
    case 'UNAVAILABLE':
      return { kind: 'lost', message, leader: null, undone: false }
    case 'UNIMPLEMENTED':
    case 'UNAUTHENTICATED':
    case 'PERMISSION_DENIED':
      return { kind: 'refused', error: new ChatError('not a chat server', message) }
    // A message over gRPC's own bound of 4 MiB.
    case 'RESOURCE_EXHAUSTED':
      return { kind: 'refused', error: new ChatError('limit reached', message) }
    case 'INVALID_ARGUMENT':
    case 'OUT_OF_RANGE':
      return { kind: 'refused', error: new ChatError('invalid argument', message) }
    case 'NOT_FOUND':
    case 'ALREADY_EXISTS':
    case 'FAILED_PRECONDITION':
      return { kind: 'refused', error: new ChatError('unknown', message) }
    default:
      // CANCELLED and INTERNAL are what a reset stream looks like, UNKNOWN an exception in the server, DEADLINE_EXCEEDED silence.
      return { kind: 'later', message, afterMs: 0, overloaded: false, undone: false }
  }
}

/** The same for whatever a call rejects with; null if that is not the answer to a call. */
export function failureOfCall(error: unknown): Failure | null {
  return isServiceError(error) ? failureOf(readChatError(error)) : null
}

/** True for what grpc-js rejects calls with. */
export function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'metadata' in error && 'details' in error && 'code' in error
}

/** What to make of a stream that the server ended without an error. */
export const endedInPeace: Failure = failureOf({
  code: 'OK',
  reason: null,
  message: 'The server ended the stream.',
  leader: null,
  retryAfterMs: 0,
})

/** What to make of a stream that was given up from here because its replica leads no more. */
export const leftBehind: Failure = {
  kind: 'lost',
  message: 'The replica leads no more.',
  leader: null,
  undone: false,
}

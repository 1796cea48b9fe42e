import { Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { ErrorDetail, ErrorReason, type MessageError } from '../gen/chatroom/v1/chat_service.ts'

/** Trailing metadata of every failed call: one encoded `ErrorDetail`. */
const detailKey = 'chatroom-error-bin'

/** `OK`, `UNAVAILABLE`, …: the names of `google.rpc.Code`. */
export type GrpcCodeName = keyof typeof status

/** The names of the wire's `ErrorReason`, without their prefix. */
export type ChatErrorReason = Exclude<
  {
    [Name in keyof typeof ErrorReason]: Name extends `ERROR_REASON_${infer Reason}` ? Reason : never
  }[keyof typeof ErrorReason],
  'UNSPECIFIED'
>

/** What an error says besides its reason. */
export interface ChatErrorExtra {
  /** With `NOT_LEADER`: `host:port` of the leader's client port. */
  readonly leaderAddress?: string
  /** With `NOT_LEADER`: the term in which it leads. */
  readonly leaderTerm?: number
  /** Wait at least so long before the next try, milliseconds. */
  readonly retryAfterMs?: number
}

/** Why a call failed, in plain values. */
export interface ChatErrorInfo {
  readonly code: GrpcCodeName
  /** null: the failure is not the service's word (no connection, a deadline, a newer server's reason). */
  readonly reason: ChatErrorReason | null
  /** For people. */
  readonly message: string
  /** Where to go instead, if the answering replica knows. */
  readonly leader: { readonly address: string; readonly term: number } | null
  /** 0: no advice. */
  readonly retryAfterMs: number
}

const toWire: Record<ChatErrorReason, ErrorReason> = {
  NOT_LEADER: ErrorReason.ERROR_REASON_NOT_LEADER,
  NOT_READY: ErrorReason.ERROR_REASON_NOT_READY,
  OUTCOME_UNKNOWN: ErrorReason.ERROR_REASON_OUTCOME_UNKNOWN,
  OVERLOADED: ErrorReason.ERROR_REASON_OVERLOADED,
  INVALID_NAME: ErrorReason.ERROR_REASON_INVALID_NAME,
  INVALID_PASSWORD: ErrorReason.ERROR_REASON_INVALID_PASSWORD,
  INVALID_TEXT: ErrorReason.ERROR_REASON_INVALID_TEXT,
  INVALID_REQUEST_ID: ErrorReason.ERROR_REASON_INVALID_REQUEST_ID,
  INVALID_ARGUMENT: ErrorReason.ERROR_REASON_INVALID_ARGUMENT,
  REQUEST_ID_REUSED: ErrorReason.ERROR_REASON_REQUEST_ID_REUSED,
  NAME_TAKEN: ErrorReason.ERROR_REASON_NAME_TAKEN,
  WRONG_CREDENTIALS: ErrorReason.ERROR_REASON_WRONG_CREDENTIALS,
  NOT_LOGGED_IN: ErrorReason.ERROR_REASON_NOT_LOGGED_IN,
  LOGGED_IN_ELSEWHERE: ErrorReason.ERROR_REASON_LOGGED_IN_ELSEWHERE,
  SESSION_TAKEN_OVER: ErrorReason.ERROR_REASON_SESSION_TAKEN_OVER,
  SESSION_EXPIRED: ErrorReason.ERROR_REASON_SESSION_EXPIRED,
  ACCOUNT_DELETED: ErrorReason.ERROR_REASON_ACCOUNT_DELETED,
  UNKNOWN_RECIPIENT: ErrorReason.ERROR_REASON_UNKNOWN_RECIPIENT,
  SEND_TO_SELF: ErrorReason.ERROR_REASON_SEND_TO_SELF,
  MAILBOX_FULL: ErrorReason.ERROR_REASON_MAILBOX_FULL,
  NOT_CONFIRMED: ErrorReason.ERROR_REASON_NOT_CONFIRMED,
  LOGGED_OUT: ErrorReason.ERROR_REASON_LOGGED_OUT,
  LIMIT_REACHED: ErrorReason.ERROR_REASON_LIMIT_REACHED,
  INTERNAL: ErrorReason.ERROR_REASON_INTERNAL,
  TOO_MANY_ATTEMPTS: ErrorReason.ERROR_REASON_TOO_MANY_ATTEMPTS,
  PASSWORD_CHANGED: ErrorReason.ERROR_REASON_PASSWORD_CHANGED,
}

const fromWire = new Map<ErrorReason, ChatErrorReason>(
  reasonNames(toWire).map((reason) => [toWire[reason], reason]),
)

function reasonNames(table: Record<ChatErrorReason, unknown>): ChatErrorReason[] {
  return Object.keys(table).filter((name): name is ChatErrorReason => name in table)
}

function isCodeName(name: string | undefined): name is GrpcCodeName {
  return name !== undefined && name in status
}

function codeName(code: number): GrpcCodeName {
  const name = status[code]
  return isCodeName(name) ? name : 'UNKNOWN'
}

function detail(reason: ChatErrorReason, extra: ChatErrorExtra): ErrorDetail {
  return {
    reason: toWire[reason],
    leaderAddress: extra.leaderAddress ?? '',
    leaderTerm: extra.leaderTerm ?? 0,
    retryAfterMs: extra.retryAfterMs ?? 0,
  }
}

/** The error a call fails with: status code, message, and the detail in the trailing metadata. Hand it to the call's callback or `error` event. */
export function chatError(
  code: Exclude<GrpcCodeName, 'OK'>,
  reason: ChatErrorReason,
  message: string,
  extra: ChatErrorExtra = {},
): ServiceError {
  const metadata = new Metadata()
  metadata.set(detailKey, Buffer.from(ErrorDetail.encode(detail(reason, extra)).finish()))
  // An answer, not a fault: where it was made nobody reads, and a server that refuses much has no time to find that out.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  const error = new Error(message)
  Error.stackTraceLimit = stackTraceLimit
  return Object.assign(error, { code: status[code], details: message, metadata })
}

/** The same for one message of a `SendMessages` stream. */
export function chatMessageError(
  code: Exclude<GrpcCodeName, 'OK'>,
  reason: ChatErrorReason,
  message: string,
  extra: ChatErrorExtra = {},
): MessageError {
  return { code: status[code], message, detail: detail(reason, extra) }
}

function info(code: number, message: string, found: ErrorDetail | undefined): ChatErrorInfo {
  return {
    code: codeName(code),
    reason: found === undefined ? null : (fromWire.get(found.reason) ?? null),
    message,
    leader:
      found === undefined || found.leaderAddress === ''
        ? null
        : { address: found.leaderAddress, term: found.leaderTerm },
    retryAfterMs: found?.retryAfterMs ?? 0,
  }
}

/** What a failed call says. Never throws: a detail that cannot be read is as good as none. */
export function readChatError(error: ServiceError): ChatErrorInfo {
  return info(error.code, error.details, readDetail(error.metadata))
}

/** What one failed message of a `SendMessages` stream says. */
export function readChatMessageError(error: MessageError): ChatErrorInfo {
  return info(error.code, error.message, error.detail)
}

function readDetail(metadata: Metadata | undefined): ErrorDetail | undefined {
  const [value] = metadata?.get(detailKey) ?? []
  if (!Buffer.isBuffer(value)) return undefined
  try {
    return ErrorDetail.decode(value)
  } catch {
    return undefined
  }
}

/** Names of gRPC status codes, as in google.rpc.Code. */
export type GrpcCode =
  | 'CANCELLED'
  | 'UNKNOWN'
  | 'INVALID_ARGUMENT'
  | 'DEADLINE_EXCEEDED'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'UNAUTHENTICATED'

/** The closed set of what can go wrong. */
export type ChatErrorCode =
  /** No replica could be reached in the time allowed. Nothing was done. */
  | 'no server'
  /** Replicas answer, but none of them could serve in the time allowed. Nothing was done. */
  | 'no leader'
  /** The time allowed is over and the request may or may not have been done: try again with the same request id to find out. */
  | 'outcome unknown'
  /** The caller's signal ended the wait; a request that was under way may still be done. */
  | 'aborted'
  /** The client was closed. */
  | 'closed'
  /** Too many messages wait to be sent: wait for `sendable()`. Nothing was done. */
  | 'queue full'
  /** The servers had too much to do in all the time allowed. Nothing was done. */
  | 'overloaded'
  /** A session is open already: log out first. */
  | 'already logged in'
  /** There is no session, or the servers do not know it. */
  | 'not logged in'
  /** The session logged out. */
  | 'logged out'
  /** The account's password was changed, which ended the session. */
  | 'password changed'
  /** Another login with `takeover` ended the session. */
  | 'session taken over'
  /** The session had no command for its idle timeout. */
  | 'session expired'
  /** The account of the session was deleted. */
  | 'account deleted'
  /** Unknown account or wrong password, which is not told apart. */
  | 'wrong credentials'
  /** Too many failed logins to this account, or from this address. */
  | 'too many attempts'
  /** The account has another session; a login with `takeover` ends it. */
  | 'logged in elsewhere'
  | 'invalid name'
  | 'invalid password'
  | 'invalid text'
  | 'invalid request id'
  | 'invalid argument'
  /** The request id was used for a different request. */
  | 'request id reused'
  | 'name taken'
  | 'unknown recipient'
  | 'send to self'
  /** The recipient's mailbox is at its bound. */
  | 'mailbox full'
  /** The name that was typed again is not the account's. */
  | 'not confirmed'
  /** A bound of the cluster, such as its number of accounts, is reached. */
  | 'limit reached'
  /** A fault of the server. */
  | 'internal'
  /** An answer that a chat server does not give: another kind of server, or another version. */
  | 'not a chat server'
  /** Anything that this version does not know. */
  | 'unknown'

const grpcCodes: Readonly<Record<ChatErrorCode, GrpcCode>> = {
  'no server': 'UNAVAILABLE',
  'no leader': 'UNAVAILABLE',
  'outcome unknown': 'DEADLINE_EXCEEDED',
  aborted: 'CANCELLED',
  closed: 'CANCELLED',
  'queue full': 'RESOURCE_EXHAUSTED',
  overloaded: 'RESOURCE_EXHAUSTED',
  'already logged in': 'FAILED_PRECONDITION',
  'not logged in': 'UNAUTHENTICATED',
  'logged out': 'UNAUTHENTICATED',
  'password changed': 'UNAUTHENTICATED',
  'too many attempts': 'RESOURCE_EXHAUSTED',
  'session taken over': 'UNAUTHENTICATED',
  'session expired': 'UNAUTHENTICATED',
  'account deleted': 'UNAUTHENTICATED',
  'wrong credentials': 'UNAUTHENTICATED',
  'logged in elsewhere': 'FAILED_PRECONDITION',
  'invalid name': 'INVALID_ARGUMENT',
  'invalid password': 'INVALID_ARGUMENT',
  'invalid text': 'INVALID_ARGUMENT',
  'invalid request id': 'INVALID_ARGUMENT',
  'invalid argument': 'INVALID_ARGUMENT',
  'request id reused': 'INVALID_ARGUMENT',
  'name taken': 'ALREADY_EXISTS',
  'unknown recipient': 'NOT_FOUND',
  'send to self': 'INVALID_ARGUMENT',
  'mailbox full': 'RESOURCE_EXHAUSTED',
  'not confirmed': 'FAILED_PRECONDITION',
  'limit reached': 'RESOURCE_EXHAUSTED',
  internal: 'INTERNAL',
  'not a chat server': 'UNIMPLEMENTED',
  unknown: 'UNKNOWN',
}

/** The codes that end a session: whatever was under way in it fails with the same error. */
const endings: ReadonlySet<ChatErrorCode> = new Set([
  'not logged in',
  'logged out',
  'password changed',
  'session taken over',
  'session expired',
  'account deleted',
])

/** Why a chat request failed. The message is a sentence for people; programs look at `code`. */
export class ChatError extends Error {
  override readonly name = 'ChatError'
  readonly code: ChatErrorCode
  /** The gRPC code that goes with `code`. */
  readonly grpcCode: GrpcCode
  /** Of a mutating request that may have been done: trying again with it does nothing twice. */
  readonly requestId: string | null

  constructor(
    code: ChatErrorCode,
    message: string,
    options: { requestId?: string | null; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.grpcCode = grpcCodes[code]
    this.requestId = options.requestId ?? null
  }

  /** True if the session is over and only another login helps. */
  get endsSession(): boolean {
    return endings.has(this.code)
  }
}

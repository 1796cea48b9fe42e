export type TransportErrorCode =
  /** Another process listens on the peer address. */
  | 'address in use'
  /** The peer address cannot be bound: not an address of this host, or a port this user may not have. */
  | 'address not available'
  /** The listener closed while the replica ran. Its refusals would now say that it is dead: it has to stop. */
  | 'listener lost'
  /** Files with certificates or keys cannot be used. */
  | 'certificates'
  /** Options that cannot work. */
  | 'invalid configuration'
  /** Bytes from another replica that are no message of this protocol. */
  | 'malformed message'
  /** An admin call was not answered: nobody listens there, or no answer within its deadline. */
  | 'unreachable'
  /** An admin call was answered with a refusal; the message is the replica's own. */
  | 'refused'
  /** The caller's signal ended the wait. */
  | 'aborted'

/** What went wrong between replicas, or between an operator's tool and a replica. */
export class TransportError extends Error {
  override readonly name = 'TransportError'
  readonly code: TransportErrorCode

  constructor(code: TransportErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
  }
}

/** What something that was thrown says. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

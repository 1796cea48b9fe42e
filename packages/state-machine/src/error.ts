export type StateMachineErrorCode =
  /** A limit that is no positive whole number. */
  | 'invalid limits'
  /** A command that the log could not hold: a text with half a surrogate pair, a number that is no index. A fault of the caller. */
  | 'invalid command'
  /** Bytes of the log that are no command of this version. */
  | 'malformed command'
  /** Bytes that are no snapshot, or not a whole one. */
  | 'malformed snapshot'
  /** A snapshot of a newer format or of a chat with other limits. */
  | 'unsupported snapshot'
  /** A second snapshot was asked for while one is being taken. */
  | 'snapshot under way'
  /** Something that cannot be, seen before it could do harm. */
  | 'impossible state'
  /** An entry that does not come after the last one. */
  | 'impossible entry'

/** Something that no client can cause: whoever gets it must stop rather than go on with a wrong state. */
export class StateMachineError extends Error {
  override readonly name = 'StateMachineError'
  readonly code: StateMachineErrorCode
  constructor(code: StateMachineErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options)
    this.code = code
  }
}

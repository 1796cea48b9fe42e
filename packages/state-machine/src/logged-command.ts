import type { Command, Send, SessionRequest } from './command.ts'
import type { TextBytes } from './text/text-bytes.ts'

/**
 * A send as it is applied. Its text stays where it is, in the entry that holds it: from there it goes into a mailbox, with no string in between. It lives as long as
 * the entry's bytes stay the same.
 */
export interface LoggedSend extends Omit<Send, 'text'>, TextBytes {
  /** In UTF-8. */
  readonly requestIdBytes: number
  /** As `fingerprintOf` gives it. */
  readonly fingerprint: number
}

/** A command as it is applied. */
export type LoggedCommand = Exclude<Command, Send> | LoggedSend

/** A request of a session as it is applied. */
export type LoggedRequest = Exclude<SessionRequest, Send> | LoggedSend

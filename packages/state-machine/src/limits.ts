import { StateMachineError } from './error.ts'

/**
 * Every bound of the chat that decides what `apply` answers. All replicas of a cluster must have the same, for as long as its log lives: a snapshot
 * carries them, and is refused where they differ.
 *
 * A chat filled to all default bounds at once takes about 5 GiB of memory, 1 GiB of which is on the heap of JavaScript.
 */
export interface ChatLimits {
  /** Code points of an account name. */
  readonly nameCodePoints: number
  /** UTF-16 units of a password hash. */
  readonly passwordHashUnits: number
  /** Bytes of a request id, UTF-8. */
  readonly requestIdBytes: number
  /** Bytes of a message text, UTF-8. */
  readonly textBytes: number
  /** Longest idle timeout of a session, milliseconds. */
  readonly idleTimeoutMs: number
  readonly accounts: number
  /** Live sessions. */
  readonly sessions: number
  /** Messages in one mailbox. */
  readonly mailboxMessages: number
  /** Bytes of text in one mailbox, UTF-8. */
  readonly mailboxBytes: number
  /** Messages in all mailboxes. */
  readonly waitingMessages: number
  /** Bytes of text in all mailboxes, UTF-8. */
  readonly waitingBytes: number
  /** How long a reply is remembered for a retry, milliseconds of logged time. */
  readonly rememberReplyMs: number
  /** Replies remembered per session, the newest. */
  readonly repliesPerSession: number
  /** Replies remembered for all live sessions; the sessions that remember the oldest replies give theirs up first. */
  readonly sessionReplies: number
  /** Replies remembered for ended sessions; those of the session that ended first go first, all at once. */
  readonly endedSessionReplies: number
  /** Replies to `createAccount` and `login` remembered, over all names, the newest. */
  readonly accountReplies: number
  /** How long it is remembered how a session ended, milliseconds of logged time. */
  readonly rememberEndMs: number
  /** Ended sessions remembered, the newest. */
  readonly endedSessions: number
  /** Sessions, windows of replies, and ended sessions (of each so many) that one `expire` entry may take up. */
  readonly expirePerEntry: number
}

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const kibi = 1_024
const mebi = 1_024 * kibi
const gibi = 1_024 * mebi

export const defaultLimits: ChatLimits = {
  nameCodePoints: 32,
  passwordHashUnits: 1_024,
  requestIdBytes: 64,
  textBytes: 64 * kibi,
  idleTimeoutMs: 24 * hour,
  accounts: 10_000_000,
  sessions: 1_000_000,
  mailboxMessages: 100_000,
  mailboxBytes: 64 * mebi,
  waitingMessages: 5_000_000,
  waitingBytes: gibi,
  rememberReplyMs: 10 * minute,
  repliesPerSession: 1_024,
  sessionReplies: 2_097_152,
  endedSessionReplies: 262_144,
  accountReplies: 65_536,
  rememberEndMs: 24 * hour,
  endedSessions: 100_000,
  expirePerEntry: 1_000,
}

/** The limits with the defaults for what is left out. Throws a `StateMachineError` 'invalid limits'. */
export function checkLimits(limits: Partial<ChatLimits>): ChatLimits {
  const complete = { ...defaultLimits, ...limits }
  for (const [name, limit] of Object.entries(complete)) {
    if (Number.isSafeInteger(limit) && limit > 0) continue
    throw new StateMachineError(
      'invalid limits',
      `The limit ${name} is ${limit}: give a positive whole number.`,
    )
  }
  return complete
}

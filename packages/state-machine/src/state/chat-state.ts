import type { ChatLimits } from '../limits.ts'
import { Accounts } from './accounts.ts'
import { ChangeWatch } from './change-watch.ts'
import type { Observers } from './observers.ts'
import { ReplyWindow } from './reply-window.ts'
import { Sessions } from './sessions.ts'

/** Everything that is replicated: what decides the replies to all commands to come. */
export class ChatState {
  readonly limits: ChatLimits
  readonly observers: Observers
  readonly watch: ChangeWatch = new ChangeWatch()
  readonly accounts: Accounts
  readonly sessions: Sessions
  /** Replies to requests that need no session, under `accountRequestKey`. */
  readonly accountReplies: ReplyWindow = new ReplyWindow()
  /** Log index of the last entry applied. */
  index = 0
  /** Logged time of the last entry applied, milliseconds since 1970. */
  time = 0

  constructor(limits: ChatLimits, observers: Observers) {
    this.limits = limits
    this.observers = observers
    this.accounts = new Accounts(this.watch)
    this.sessions = new Sessions(limits, this.watch, observers)
  }

  /** What `images` of accounts and sessions give is the state as of now, until `endSnapshot`. */
  beginSnapshot(): void {
    this.watch.begin(this.index)
    this.accounts.hold()
  }

  endSnapshot(): void {
    this.watch.end()
    this.accounts.release()
  }

  /** When `expire` has something to do: milliseconds since 1970; null if it never has, as things stand. */
  nextExpiry(): number | null {
    const { accountReplies, sessions, limits } = this
    const replies = accountReplies.size === 0 ? Infinity : accountReplies.newestAt + limits.rememberReplyMs
    const next = Math.min(sessions.nextExpiry(), replies)
    return next === Infinity ? null : next
  }
}

/** What a request is known by that needs no session: its id is unique per account name. The length tells where the id ends. */
export function accountRequestKey(requestId: string, name: string): string {
  return `${requestId.length}:${requestId}${name}`
}

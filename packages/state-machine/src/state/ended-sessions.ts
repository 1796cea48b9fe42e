import type { ChatLimits } from '../limits.ts'
import type { EndReason } from '../reply.ts'
import { Fifo, type FifoImage } from './fifo.ts'
import { PartitionedMap, spreadIndex, spreadText } from './partitioned-map.ts'
import type { ReplyWindow } from './reply-window.ts'

/** How a session ended. Never changed. */
export interface EndedSession {
  readonly id: number
  readonly accountId: number
  readonly tokenKey: string
  readonly reason: EndReason
  /** Logged time: milliseconds since 1970. */
  readonly endedAt: number
}

/** The replies of an ended session. Never changed, only dropped as a whole. */
export interface EndedReplies {
  readonly sessionId: number
  readonly window: ReplyWindow
  readonly endedAt: number
}

/**
 * What is remembered of sessions past their end: how they ended, so that "taken over" can be told from "expired"; and for a while their replies, so that a
 * request whose answer was lost gets it on a retry even if the session ended in between. (A refusal would call a delivered message not sent.)
 */
export class EndedSessions {
  readonly #limits: ChatLimits
  readonly #sessions = new Fifo<EndedSession>()
  readonly #byId = new PartitionedMap<number, EndedSession>(spreadIndex)
  readonly #byToken = new PartitionedMap<string, EndedSession>(spreadText)
  /** In the order of `#sessions`, each of which is still among them. */
  readonly #replies = new Fifo<EndedReplies>()
  readonly #windows = new PartitionedMap<number, ReplyWindow>(spreadIndex)
  #remembered = 0

  constructor(limits: ChatLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Replies remembered. */
  get remembered(): number {
    return this.#remembered
  }

  withId(id: number): EndedSession | undefined {
    return this.#byId.get(id)
  }

  withToken(tokenKey: string): EndedSession | undefined {
    return this.#byToken.get(tokenKey)
  }

  windowOf(id: number): ReplyWindow | undefined {
    return this.#windows.get(id)
  }

  add(session: EndedSession, window: ReplyWindow | null): void {
    this.#sessions.push(session)
    this.#byId.set(session.id, session)
    this.#byToken.set(session.tokenKey, session)
    if (window !== null) this.addReplies(session, window)
    while (this.#sessions.size > this.#limits.endedSessions) this.#forgetOldest()
    while (this.#remembered > this.#limits.endedSessionReplies) this.#forgetOldestReplies()
  }

  /** The replies of the session that was added last. */
  addReplies(session: EndedSession, window: ReplyWindow): void {
    this.#replies.push({ sessionId: session.id, window, endedAt: session.endedAt })
    this.#windows.set(session.id, window)
    this.#remembered += window.size
  }

  /** Forgets what has been remembered long enough, up to `expirePerEntry` of each kind. */
  expire(now: number): void {
    const { rememberReplyMs, rememberEndMs, expirePerEntry } = this.#limits
    for (let n = 0; n < expirePerEntry; n++) {
      const oldest = this.#replies.oldest
      if (oldest === undefined || oldest.endedAt + rememberReplyMs > now) break
      this.#forgetOldestReplies()
    }
    for (let n = 0; n < expirePerEntry; n++) {
      const oldest = this.#sessions.oldest
      if (oldest === undefined || oldest.endedAt + rememberEndMs > now) break
      this.#forgetOldest()
    }
  }

  /** When there is something to forget: milliseconds since 1970; Infinity if there is nothing. */
  nextExpiry(): number {
    const replies = this.#replies.oldest
    const session = this.#sessions.oldest
    return Math.min(
      replies === undefined ? Infinity : replies.endedAt + this.#limits.rememberReplyMs,
      session === undefined ? Infinity : session.endedAt + this.#limits.rememberEndMs,
    )
  }

  image(): { readonly sessions: FifoImage<EndedSession>; readonly replies: FifoImage<EndedReplies> } {
    return { sessions: this.#sessions.image(), replies: this.#replies.image() }
  }

  #forgetOldest(): void {
    const session = this.#sessions.oldest
    if (session === undefined) return
    this.#sessions.dropBefore(this.#sessions.first + 1)
    this.#byId.delete(session.id)
    this.#byToken.delete(session.tokenKey)
    if (this.#replies.oldest?.sessionId === session.id) this.#forgetOldestReplies()
  }

  #forgetOldestReplies(): void {
    const replies = this.#replies.oldest
    if (replies === undefined) return
    this.#replies.dropBefore(this.#replies.first + 1)
    this.#windows.delete(replies.sessionId)
    this.#remembered -= replies.window.size
  }
}

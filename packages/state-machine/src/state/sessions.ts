import type { ChatLimits } from '../limits.ts'
import type { EndReason } from '../reply.ts'
import type { Account } from './accounts.ts'
import { type Answered, AnswerOrder } from './answer-order.ts'
import type { ChangeWatch, SessionImage } from './change-watch.ts'
import { EndedSessions } from './ended-sessions.ts'
import { dueAt, type Expiring, ExpiryQueue } from './expiry-queue.ts'
import type { Observers } from './observers.ts'
import { PartitionedMap, spreadIndex, spreadText } from './partitioned-map.ts'
import { type RememberedReply, ReplyWindow } from './reply-window.ts'

/** Somebody who is logged in. Only `Sessions` changes it. */
export interface Session extends Expiring, Answered<Session> {
  /** Log index of the entry that opened it. */
  readonly id: number
  readonly account: Account
  /** The token's hash as a text: one unit a byte. */
  tokenKey: string
  /** Logged time of the last command that counts as activity: milliseconds since 1970. */
  lastActive: number
  readonly idleTimeoutMs: number
  /** Logged time at which it ends however active it is; 0: never. */
  readonly endsAt: number
  /** null: no reply is remembered. */
  window: ReplyWindow | null
  /** Number of the snapshot that has this session already. */
  inSnapshot: number
}

/** What a session is made of, apart from its place in the orders. */
export type SessionParts = Pick<
  Session,
  'id' | 'account' | 'tokenKey' | 'lastActive' | 'idleTimeoutMs' | 'endsAt' | 'window'
>

/** All live sessions, at most one per account, with the replies they remember; and what is remembered of those that ended. */
export class Sessions {
  readonly ended: EndedSessions
  readonly #limits: ChatLimits
  readonly #watch: ChangeWatch
  readonly #observers: Observers
  readonly #byId = new PartitionedMap<number, Session>(spreadIndex)
  readonly #byAccount = new PartitionedMap<number, Session>(spreadIndex)
  readonly #byToken = new PartitionedMap<string, Session>(spreadText)
  readonly #expiry = new ExpiryQueue<Session>()
  readonly #answers = new AnswerOrder<Session>()
  #remembered = 0
  /** Who was found by its id last: a session's commands come many at a time. */
  #last: Session | null = null

  constructor(limits: ChatLimits, watch: ChangeWatch, observers: Observers) {
    this.#limits = limits
    this.#watch = watch
    this.#observers = observers
    this.ended = new EndedSessions(limits)
  }

  get size(): number {
    return this.#byId.size
  }

  /** Replies that live sessions remember. */
  get remembered(): number {
    return this.#remembered
  }

  /** The session if it lives; one whose time has come is ended by this. */
  live(id: number, now: number): Session | undefined {
    return this.#unlessDue(this.withId(id), now)
  }

  /** The account's session if it has one; one whose time has come is ended by this. */
  liveOf(account: Account, now: number): Session | undefined {
    return this.#unlessDue(this.#byAccount.get(account.id), now)
  }

  /** The session as it stands, even if its time has come. */
  withId(id: number): Session | undefined {
    if (id === this.#last?.id) return this.#last
    const found = this.#byId.get(id)
    if (found !== undefined) this.#last = found
    return found
  }

  /** The session as it stands, even if its time has come. */
  withToken(tokenKey: string): Session | undefined {
    return this.#byToken.get(tokenKey)
  }

  /** The account must have no session, and no session the token. */
  open(parts: SessionParts): Session {
    const { id, account, tokenKey, lastActive, idleTimeoutMs, endsAt, window } = parts
    const session: Session = {
      id,
      account,
      tokenKey,
      lastActive,
      idleTimeoutMs,
      endsAt,
      window,
      older: null,
      newer: null,
      queuePlace: -1,
      queuedFor: 0,
      inSnapshot: 0,
    }
    this.#byId.set(session.id, session)
    this.#byAccount.set(session.account.id, session)
    this.#byToken.set(session.tokenKey, session)
    this.#expiry.add(session)
    return session
  }

  replaceToken(session: Session, tokenKey: string): void {
    this.#beforeChange(session)
    this.#byToken.delete(session.tokenKey)
    session.tokenKey = tokenKey
    this.#byToken.set(tokenKey, session)
  }

  active(session: Session, now: number): void {
    this.#beforeChange(session)
    session.lastActive = now
  }

  end(session: Session, reason: EndReason, now: number): void {
    this.#beforeChange(session)
    this.#last = null
    this.#byId.delete(session.id)
    this.#byAccount.delete(session.account.id)
    this.#byToken.delete(session.tokenKey)
    this.#expiry.remove(session)
    this.#forgetOld(session, now)
    const { id, account, tokenKey, window } = session
    this.#forget(session)
    this.ended.add({ id, accountId: account.id, tokenKey, reason, endedAt: now }, window)
    this.#observers.sessionEnded(id, reason)
  }

  /** What was answered to this request of this session; `live`: the session, if it has not ended since. */
  replyTo(
    sessionId: number,
    live: Session | undefined,
    requestId: string,
    now: number,
  ): RememberedReply | undefined {
    const window = live === undefined ? this.ended.windowOf(sessionId) : live.window
    return window?.find(requestId, now - this.#limits.rememberReplyMs)
  }

  /** Remembers what was answered, and forgets what the bounds have no room for. `index`: of the entry that was answered. */
  remember(session: Session, reply: RememberedReply, index: number): void {
    this.#beforeChange(session)
    this.#forgetOld(session, reply.at)
    session.window ??= new ReplyWindow()
    const { window } = session
    const before = window.size
    if (window.size >= this.#limits.repliesPerSession) window.dropOldest()
    window.add(reply, index)
    this.#remembered += window.size - before
    this.#answers.answered(session)
    while (this.#remembered > this.#limits.sessionReplies) this.#forgetOldestReply()
  }

  /** Takes over a window that a snapshot brought. To be called in the order of the windows' newest replies. */
  restoreReplies(session: Session, window: ReplyWindow): void {
    session.window = window
    this.#remembered += window.size
    this.#answers.answered(session)
  }

  /** Ends the sessions and forgets the replies whose time has come, up to `expirePerEntry` of each. Returns how many sessions ended. */
  expire(now: number): number {
    const { expirePerEntry, rememberReplyMs } = this.#limits
    let count = 0
    for (; count < expirePerEntry; count++) {
      const next = this.#expiry.next()
      if (next === undefined || dueAt(next) > now) break
      this.end(next, 'session expired', now)
    }
    for (let n = 0; n < expirePerEntry; n++) {
      const oldest = this.#answers.oldest
      if (oldest === null || newestAt(oldest) + rememberReplyMs > now) break
      this.#beforeChange(oldest)
      this.#forget(oldest)
    }
    this.ended.expire(now)
    return count
  }

  /** When there is something for `expire`: milliseconds since 1970; Infinity if nothing. */
  nextExpiry(): number {
    const next = this.#expiry.next()
    const oldest = this.#answers.oldest
    return Math.min(
      next === undefined ? Infinity : dueAt(next),
      oldest === null ? Infinity : newestAt(oldest) + this.#limits.rememberReplyMs,
      this.ended.nextExpiry(),
    )
  }

  /** In the order in which they were opened. */
  inOrder(): Session[] {
    return [...this.#byId.values()].sort((a, b) => a.id - b.id)
  }

  /** All sessions as they were when the snapshot began, whatever happens to them while this is drawn out. */
  *images(): Generator<SessionImage, void, void> {
    for (const session of this.#byId.values()) {
      const image = this.#claim(session) ? imageOf(session) : this.#watch.takeSession(session.id)
      if (image !== undefined) yield image
    }
    yield* this.#watch.leftSessions()
  }

  #beforeChange(session: Session): void {
    if (this.#watch.active && this.#claim(session)) this.#watch.keepSession(imageOf(session))
  }

  /** True once for every session that was there when the snapshot began. */
  #claim(session: Session): boolean {
    if (!this.#watch.owes(session.id, session.inSnapshot)) return false
    session.inSnapshot = this.#watch.snapshot
    return true
  }

  #unlessDue(session: Session | undefined, now: number): Session | undefined {
    if (session === undefined || dueAt(session) > now) return session
    this.end(session, 'session expired', now)
    return undefined
  }

  /** Forgets the session's replies whose time has passed. */
  #forgetOld(session: Session, now: number): void {
    if (session.window === null) return
    this.#remembered -= session.window.dropUpTo(now - this.#limits.rememberReplyMs)
    if (session.window.size === 0) this.#forget(session)
  }

  #forgetOldestReply(): void {
    const oldest = this.#answers.oldest
    if (oldest === null) return
    this.#beforeChange(oldest)
    oldest.window?.dropOldest()
    this.#remembered--
    if (oldest.window?.size === 0) this.#forget(oldest)
  }

  #forget(session: Session): void {
    this.#remembered -= session.window?.size ?? 0
    session.window = null
    this.#answers.remove(session)
  }
}

function imageOf(session: Session): SessionImage {
  const { id, account, tokenKey, lastActive, idleTimeoutMs, endsAt, window } = session
  return {
    id,
    accountId: account.id,
    tokenKey,
    lastActive,
    idleTimeoutMs,
    endsAt,
    replies: window?.image() ?? null,
    newestReplyIndex: window?.newestIndex ?? 0,
  }
}

function newestAt(session: Session): number {
  return session.window?.newestAt ?? 0
}

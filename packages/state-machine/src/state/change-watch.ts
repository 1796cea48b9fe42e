import type { Account } from './accounts.ts'
import type { FifoImage } from './fifo.ts'
import type { StoredMessage } from './mailbox.ts'
import type { ReplyWindowImage } from './reply-window.ts'
import type { Session } from './sessions.ts'

/** An account as it was when the snapshot began. */
export interface AccountImage {
  readonly id: number
  readonly name: string
  readonly passwordHash: string
  readonly messages: FifoImage<StoredMessage> | null
}

/** A session as it was when the snapshot began. */
export interface SessionImage {
  readonly id: number
  readonly accountId: number
  readonly tokenKey: string
  readonly lastActive: number
  readonly idleTimeoutMs: number
  readonly replies: ReplyWindowImage | null
  /** Log index of the newest reply; 0 if there is none. */
  readonly newestReplyIndex: number
}

interface Marked {
  readonly id: number
  inSnapshot: number
}

/**
 * Copy on write for snapshots. Every change of an account or a session is announced here first. While a snapshot is being taken, the first change of something
 * that the snapshot has not reached keeps an image of it, which costs O(1): a snapshot stops nothing, neither at its start nor later.
 */
export class ChangeWatch {
  /** Number of the snapshot being taken; 0: none. */
  #current = 0
  #taken = 0
  #lastIndex = 0
  readonly #accounts = new Map<Account, AccountImage>()
  readonly #sessions = new Map<Session, SessionImage>()

  get active(): boolean {
    return this.#current !== 0
  }

  /** A snapshot of the state after this log index begins. */
  begin(lastIndex: number): void {
    this.#current = ++this.#taken
    this.#lastIndex = lastIndex
  }

  end(): void {
    this.#current = 0
    this.#accounts.clear()
    this.#sessions.clear()
  }

  /** The account is about to change or go. */
  account(account: Account): void {
    if (this.#current !== 0 && this.#claim(account)) this.#accounts.set(account, imageOfAccount(account))
  }

  /** The session is about to change or end. */
  session(session: Session): void {
    if (this.#current !== 0 && this.#claim(session)) this.#sessions.set(session, imageOfSession(session))
  }

  /** The snapshot has reached this account. Returns it as it was at the start; undefined if it was not there. */
  reachedAccount(account: Account): AccountImage | undefined {
    return this.#claim(account) ? imageOfAccount(account) : take(this.#accounts, account)
  }

  /** The snapshot has reached this session. Returns it as it was at the start; undefined if it was not there. */
  reachedSession(session: Session): SessionImage | undefined {
    return this.#claim(session) ? imageOfSession(session) : take(this.#sessions, session)
  }

  /** Accounts that went before the snapshot reached them. */
  leftAccounts(): Generator<AccountImage, void, void> {
    return drain(this.#accounts)
  }

  /** Sessions that ended before the snapshot reached them. */
  leftSessions(): Generator<SessionImage, void, void> {
    return drain(this.#sessions)
  }

  /** True once for everything that was there when the snapshot began. */
  #claim(item: Marked): boolean {
    if (item.inSnapshot === this.#current || item.id > this.#lastIndex) return false
    item.inSnapshot = this.#current
    return true
  }
}

function take<K, V>(map: Map<K, V>, key: K): V | undefined {
  const value = map.get(key)
  map.delete(key)
  return value
}

function* drain<K, V>(map: Map<K, V>): Generator<V, void, void> {
  for (const [key, value] of map) {
    map.delete(key)
    yield value
  }
}

function imageOfAccount({ id, name, passwordHash, mailbox }: Account): AccountImage {
  return { id, name, passwordHash, messages: mailbox?.image() ?? null }
}

function imageOfSession(session: Session): SessionImage {
  const { id, account, tokenKey, lastActive, idleTimeoutMs, window } = session
  return {
    id,
    accountId: account.id,
    tokenKey,
    lastActive,
    idleTimeoutMs,
    replies: window?.image() ?? null,
    newestReplyIndex: window?.newestIndex ?? 0,
  }
}

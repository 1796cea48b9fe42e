import type { Address } from './arena.ts'
import type { MessageCursor } from './message-cursor.ts'
import type { ReplyWindowImage } from './reply-window.ts'

/** An account as it was when the snapshot began. It says where things are that stay there while the arena is held: of a million accounts nothing is copied to wait for its turn. */
export interface AccountImage {
  readonly id: number
  /** Its name lies here. */
  readonly row: Address
  /** Its password hash lies here, and has so many bytes. */
  readonly hash: Address
  readonly hashBytes: number
  /** Of the first message that waited or would; 0 if none ever came. */
  readonly firstSequence: number
  readonly messages: MessageCursor
}

/** A session as it was when the snapshot began. */
export interface SessionImage {
  readonly id: number
  readonly accountId: number
  readonly tokenKey: string
  readonly lastActive: number
  readonly idleTimeoutMs: number
  readonly endsAt: number
  readonly replies: ReplyWindowImage | null
  /** Log index of the newest reply; 0 if there is none. */
  readonly newestReplyIndex: number
}

/**
 * Copy on write for snapshots. While one is being taken, the first change of an account or a session that it has not reached keeps an image of it here, which
 * costs O(1): a snapshot stops nothing, neither at its start nor later.
 */
export class ChangeWatch {
  /** Number of the snapshot being taken; 0: none. */
  #snapshot = 0
  #taken = 0
  #lastIndex = 0
  readonly #accounts = new Map<number, AccountImage>()
  readonly #sessions = new Map<number, SessionImage>()

  get active(): boolean {
    return this.#snapshot !== 0
  }

  /** Number of the snapshot being taken: what is marked with it is in the snapshot or kept here. */
  get snapshot(): number {
    return this.#snapshot
  }

  /** A snapshot of the state after this log index begins. */
  begin(lastIndex: number): void {
    this.#snapshot = ++this.#taken
    this.#lastIndex = lastIndex
  }

  end(): void {
    this.#snapshot = 0
    this.#accounts.clear()
    this.#sessions.clear()
  }

  /** Whether the snapshot has no image yet of what has this id and this mark. What is younger than the snapshot has no place in it. */
  owes(id: number, mark: number): boolean {
    return mark !== this.#snapshot && id <= this.#lastIndex
  }

  keepAccount(image: AccountImage): void {
    this.#accounts.set(image.id, image)
  }

  keepSession(image: SessionImage): void {
    this.#sessions.set(image.id, image)
  }

  takeAccount(id: number): AccountImage | undefined {
    return take(this.#accounts, id)
  }

  takeSession(id: number): SessionImage | undefined {
    return take(this.#sessions, id)
  }

  /** Accounts that went before the snapshot reached them. */
  leftAccounts(): Generator<AccountImage, void, void> {
    return drain(this.#accounts)
  }

  /** Sessions that ended before the snapshot reached them. */
  leftSessions(): Generator<SessionImage, void, void> {
    return drain(this.#sessions)
  }
}

function take<V>(map: Map<number, V>, id: number): V | undefined {
  const value = map.get(id)
  map.delete(id)
  return value
}

function* drain<V>(map: Map<number, V>): Generator<V, void, void> {
  for (const [id, value] of map) {
    map.delete(id)
    yield value
  }
}

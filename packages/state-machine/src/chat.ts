import { applyCreateAccount, applyLogin } from './apply/account-requests.ts'
import { applyAdminister } from './apply/administration.ts'
import { applyExpire } from './apply/housekeeping.ts'
import { applySessionRequest, applyTouch } from './apply/session-requests.ts'
import { CommandCodec } from './codec/command-codec.ts'
import type { Command } from './command.ts'
import { StateMachineError } from './error.ts'
import { type ChatLimits, checkLimits } from './limits.ts'
import type { LoggedCommand } from './logged-command.ts'
import { MailboxReader } from './mailbox-reader.ts'
import type { EndReason, Reply } from './reply.ts'
import { SnapshotChunks } from './snapshot/snapshot-chunks.ts'
import { snapshotRecords } from './snapshot/snapshot-records.ts'
import { SnapshotSink } from './snapshot/snapshot-sink.ts'
import { hashOf } from './snapshot/state-hash.ts'
import { ChatState } from './state/chat-state.ts'
import { isLocked, unlocked } from './state/locked-hash.ts'
import { type Observer, Observers } from './state/observers.ts'
import { tokenKeyOf } from './state/token-key.ts'

/** Where an entry of the log stands and when the leader took it. */
export interface EntryPlace {
  /** Greater than that of the entry before. */
  readonly index: number
  readonly term: number
  /** Milliseconds since 1970. What is less than at the entry before counts as equal to it. */
  readonly time: number
}

export interface AccountInfo {
  readonly accountId: number
  readonly name: string
  readonly passwordHash: string
  /** An operator has locked it: nobody may log in. */
  readonly locked: boolean
}

export interface LiveSession {
  readonly sessionId: number
  readonly accountId: number
  readonly name: string
  /** Logged time of the last command that counts as activity: milliseconds since 1970. */
  readonly lastActive: number
  readonly idleTimeoutMs: number
}

/** A session that ended. It may still be asked again for what it was answered: propose its requests as those of a live one. */
export interface EndedSessionInfo {
  readonly ended: EndReason
  readonly sessionId: number
  readonly accountId: number
}

/** How much there is, for status and metrics. */
export interface ChatCounts {
  readonly accounts: number
  readonly sessions: number
  /** Sessions of which it is remembered how they ended. */
  readonly endedSessions: number
  /** Messages in all mailboxes. */
  readonly waitingMessages: number
  /** Bytes of text in all mailboxes, UTF-8. */
  readonly waitingBytes: number
  /** Replies remembered for retries. */
  readonly rememberedReplies: number
}

/**
 * The chat as a deterministic state machine: accounts, sessions and mailboxes, changed by `apply` alone. It fits the `StateMachine` port of a replica.
 *
 * It reads no clock and draws no random number: ids are log indexes, and time is what the leader wrote into the entry.
 */
export class Chat {
  /** Counts up when there is something that the version before cannot do alike. 2: `administer`. */
  readonly version: number = 2
  readonly limits: ChatLimits
  readonly #codec = new CommandCodec()
  readonly #observers = new Observers()
  #state: ChatState

  /** `limits`: instead of the defaults; the same at all replicas. Throws a `StateMachineError` 'invalid limits'. */
  constructor(limits: Partial<ChatLimits> = {}) {
    this.limits = checkLimits(limits)
    this.#state = new ChatState(this.limits, this.#observers)
  }

  /**
   * As an entry of the log holds it. Throws a `StateMachineError` 'invalid command' for what no entry can hold; what passed `checkName`, `checkText` and
   * `checkRequestId` passes here.
   */
  encode(command: Command): Uint8Array {
    return this.#codec.encode(command)
  }

  /** Throws a `StateMachineError` 'malformed command' if the bytes are no command. */
  decode(payload: Uint8Array): Command {
    return this.#codec.decode(payload)
  }

  /** The earliest version that applies this command as this one does. */
  neededVersion(command: Command): number {
    return command.type === 'administer' ? 2 : 1
  }

  /**
   * Never throws for what a client wrote: it answers with a refusal. Throws a `StateMachineError` 'impossible entry' if the entry does not follow the last one, and 'invalid
   * command' as `encode`.
   */
  apply(command: Command, at: EntryPlace): Reply {
    return this.#apply(this.#codec.logged(command), at)
  }

  /** `apply(decode(payload), at)`, without a string in between for a text that goes from the entry into a mailbox. */
  applyEncoded(payload: Uint8Array, at: EntryPlace): Reply {
    return this.#apply(this.#codec.decodeLogged(payload), at)
  }

  #apply(command: LoggedCommand, at: EntryPlace): Reply {
    const state = this.#state
    if (at.index <= state.index) {
      throw new StateMachineError(
        'impossible entry',
        `Entry ${at.index} came after entry ${state.index}: applying it again would do twice what was asked once.`,
      )
    }
    state.index = at.index
    state.time = Math.max(state.time, at.time)
    const reply = perform(state, command)
    this.#observers.tell()
    return reply
  }

  /** The account of this name (in NFC), with what its password is checked against. */
  account(name: string): AccountInfo | undefined {
    const { accounts } = this.#state
    const account = accounts.named(name)
    if (account === undefined) return undefined
    const hash = accounts.passwordHashOf(account)
    const isShut = isLocked(hash)
    return {
      accountId: account.id,
      name: account.name,
      passwordHash: isShut ? unlocked(hash) : hash,
      locked: isShut,
    }
  }

  /**
   * The session that a token opens, by the token's hash; undefined if there never was one or it is forgotten. A session whose time has come is shown as
   * live until an entry finds out.
   * @param tokenHash its bytes, or the same as a text of one unit a byte (`latin1`), which costs a caller who asks at each message less
   */
  session(tokenHash: Uint8Array | string): LiveSession | EndedSessionInfo | undefined {
    const { sessions } = this.#state
    const tokenKey = typeof tokenHash === 'string' ? tokenHash : tokenKeyOf(tokenHash)
    const live = sessions.withToken(tokenKey)
    if (live !== undefined) {
      const { id, account, lastActive, idleTimeoutMs } = live
      return { sessionId: id, accountId: account.id, name: account.name, lastActive, idleTimeoutMs }
    }
    const ended = sessions.ended.withToken(tokenKey)
    if (ended === undefined) return undefined
    return { ended: ended.reason, sessionId: ended.id, accountId: ended.accountId }
  }

  /** Names that begin with `prefix` (literal text) and come after `after` ('': from the first on), by code point; at most `limit`. */
  list(prefix: string, after: string, limit: number): string[] {
    return this.#state.accounts.list(prefix, after, limit)
  }

  /** The account's mailbox: a view that shows what comes and goes. Empty if there is no such account. */
  mailbox(accountId: number): MailboxReader {
    return new MailboxReader(() => this.#state.accounts, accountId)
  }

  /** When an `expire` command has something to do: milliseconds since 1970; null if it has not, as things stand. Costs O(1), amortised. */
  nextExpiry(): number | null {
    return this.#state.nextExpiry()
  }

  counts(): ChatCounts {
    const { accounts, sessions, accountReplies } = this.#state
    return {
      accounts: accounts.size,
      sessions: sessions.size,
      endedSessions: sessions.ended.size,
      waitingMessages: accounts.waiting,
      waitingBytes: accounts.waitingBytes,
      rememberedReplies: sessions.remembered + sessions.ended.remembered + accountReplies.size,
    }
  }

  /** Requests that were answered with a remembered reply, in the life of this object: no part of the state. */
  get answeredAgain(): number {
    return this.#observers.answeredAgain
  }

  /** Tells of what happens from now on, at the end of each `apply`. Returns how to stop. */
  observe(observer: Observer): () => void {
    return this.#observers.add(observer)
  }

  /**
   * The state as of this call, in chunks of at most 256 KiB, while further commands are applied in between. Takes the same few microseconds to begin however much there is, and about
   * a millisecond per chunk. One at a time: throws a `StateMachineError` 'snapshot under way' until the one before was taken to its end or given up by `return()`.
   */
  snapshot(): IterableIterator<Uint8Array> {
    const state = this.#state
    if (state.watch.active) {
      throw new StateMachineError(
        'snapshot under way',
        'A snapshot is being taken: take it to its end, or give it up by return().',
      )
    }
    state.beginSnapshot()
    return new SnapshotChunks(snapshotRecords(state), () => state.endSnapshot())
  }

  /**
   * Begins to take in a snapshot. This chat changes only when `finish()` returns. `write` and `finish` throw a `StateMachineError` 'malformed snapshot' or 'unsupported
   * snapshot'.
   */
  restore(): { write(chunk: Uint8Array): void; finish(): void } {
    return new SnapshotSink(new ChatState(this.limits, this.#observers), (state) => {
      this.#state = state
    })
  }

  /** 16 hexadecimal digits, the same for the same state. Takes time in proportion to the whole state. */
  hash(): string {
    return hashOf(this.#state)
  }
}

function perform(state: ChatState, command: LoggedCommand): Reply {
  switch (command.type) {
    case 'createAccount':
      return applyCreateAccount(state, command)
    case 'login':
      return applyLogin(state, command)
    case 'logout':
    case 'deleteAccount':
    case 'changePassword':
    case 'send':
    case 'acknowledge':
      return applySessionRequest(state, command)
    case 'touch':
      return applyTouch(state, command)
    case 'expire':
      return applyExpire(state)
    case 'administer':
      return applyAdminister(state, command)
  }
}

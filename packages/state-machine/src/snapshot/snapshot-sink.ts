import { StateMachineError } from '../error.ts'
import {
  type AccountRecord,
  type EndedSessionRecord,
  type MailboxRecord,
  type MessageRecord,
  type ReplyRecord,
  type ReplyRecords,
  type SessionRecord,
  type SnapshotHeader,
  type SnapshotRecord,
  type SnapshotTrailer,
  EndReason as WireEndReason,
} from '../gen/chatroom/state/v1/snapshot.ts'
import type { EndReason } from '../reply.ts'
import type { ChatState } from '../state/chat-state.ts'
import type { EndedSession } from '../state/ended-sessions.ts'
import { type Outcome, reasonOf, sent } from '../state/outcome.ts'
import { type RememberedReply, ReplyWindow } from '../state/reply-window.ts'
import type { Session } from '../state/sessions.ts'
import { tokenKeyOf } from '../state/token-key.ts'
import { utf8Length } from '../text/utf8.ts'
import { decodeRecord } from './record-decoder.ts'
import { RecordStream } from './record-stream.ts'
import { limitsByName, snapshotFormat } from './snapshot-records.ts'

const endReasons: Readonly<Record<number, EndReason>> = {
  [WireEndReason.END_REASON_TAKEN_OVER]: 'session taken over',
  [WireEndReason.END_REASON_EXPIRED]: 'session expired',
  [WireEndReason.END_REASON_ACCOUNT_DELETED]: 'account deleted',
  [WireEndReason.END_REASON_LOGGED_OUT]: 'logged out',
  [WireEndReason.END_REASON_PASSWORD_CHANGED]: 'password changed',
}

/** A session whose replies are still coming. */
interface Answering {
  readonly session: Session
  readonly window: ReplyWindow
  readonly newestReplyIndex: number
}

/** An ended session whose replies are still coming. */
interface EndedAnswering {
  readonly session: EndedSession
  readonly window: ReplyWindow
}

/**
 * Builds a state from the chunks of a snapshot, however they are cut, into an empty state. Every failure is a `StateMachineError` 'malformed snapshot' or
 * 'unsupported snapshot', after which the state is to be thrown away.
 */
export class SnapshotSink {
  readonly #state: ChatState
  readonly #onFinish: (state: ChatState) => void
  readonly #stream = new RecordStream()
  readonly #answering = new Map<number, Answering>()
  /** In the order in which the sessions ended. */
  readonly #ended = new Map<number, EndedAnswering>()
  readonly #count = { accounts: 0, messages: 0, sessions: 0, endedSessions: 0, replies: 0 }
  #header: SnapshotHeader | undefined
  #trailer: SnapshotTrailer | undefined

  constructor(state: ChatState, onFinish: (state: ChatState) => void) {
    this.#state = state
    this.#onFinish = onFinish
  }

  write(chunk: Uint8Array): void {
    for (const record of this.#stream.take(chunk)) this.#take(decodeRecord(record))
  }

  /** All chunks were written. Throws if they are not a whole snapshot. */
  finish(): void {
    const { accounts, messages, sessions, endedSessions, replies } = this.#count
    const trailer = this.#trailer
    if (trailer === undefined || this.#stream.midway) throw malformed('it ends too early')
    if (
      trailer.accounts !== accounts ||
      trailer.messages !== messages ||
      trailer.sessions !== sessions ||
      trailer.endedSessions !== endedSessions ||
      trailer.replies !== replies
    ) {
      throw malformed('parts of it are missing')
    }
    const answering = [...this.#answering.values()].sort((a, b) => a.newestReplyIndex - b.newestReplyIndex)
    for (const { session, window } of answering) this.#state.sessions.restoreReplies(session, window)
    for (const { session, window } of this.#ended.values())
      this.#state.sessions.ended.addReplies(session, window)
    this.#onFinish(this.#state)
  }

  #take(record: SnapshotRecord['record']): void {
    if (record?.$case === 'header') {
      this.#takeHeader(record.value)
      return
    }
    if (this.#header === undefined) throw malformed('it does not begin with a header')
    if (this.#trailer !== undefined) throw malformed('something follows its trailer')
    switch (record?.$case) {
      case 'accounts':
        for (const account of record.value.accounts) this.#takeAccount(account)
        break
      case 'mailbox':
        this.#takeMailbox(record.value)
        break
      case 'sessions':
        for (const session of record.value.sessions) this.#takeSession(session)
        break
      case 'endedSessions':
        for (const session of record.value.sessions) this.#takeEndedSession(session)
        break
      case 'replies':
        this.#takeReplies(record.value)
        break
      case 'trailer':
        this.#trailer = record.value
        break
      case undefined:
        throw malformed('it has a record that this version does not know')
    }
  }

  #takeHeader(header: SnapshotHeader): void {
    if (this.#header !== undefined) throw malformed('it has two headers')
    if (header.format !== snapshotFormat) {
      throw new StateMachineError(
        'unsupported snapshot',
        `The snapshot has format ${header.format}; this version reads format ${snapshotFormat}. Run the version that wrote it, or a later one.`,
      )
    }
    for (const [name, limit] of limitsByName(this.#state.limits)) {
      const theirs = header.limits.get(name)
      if (theirs === limit) continue
      throw new StateMachineError(
        'unsupported snapshot',
        `The snapshot is of a chat with the limit ${name} at ${theirs ?? 'nothing'}; here it is ${limit}. Replicas with different limits would disagree: start with the same.`,
      )
    }
    this.#header = header
    this.#state.index = header.index
    this.#state.time = header.time
  }

  #takeAccount({ id, name, passwordHash, firstSequence, messages }: AccountRecord): void {
    const { accounts } = this.#state
    if (accounts.named(name) !== undefined || accounts.withId(id) !== undefined)
      throw malformed('it has an account twice')
    const account = accounts.add(id, name, passwordHash, firstSequence)
    this.#count.accounts++
    this.#takeMessages(account.id, messages)
  }

  #takeMailbox({ accountId, messages }: MailboxRecord): void {
    this.#takeMessages(accountId, messages)
  }

  #takeMessages(accountId: number, messages: readonly MessageRecord[]): void {
    const account = this.#state.accounts.withId(accountId)
    if (account === undefined) throw malformed('it has messages for an account that it does not have')
    for (const { id, sentAtMs, from, text } of messages) {
      const message = { id, from, text, bytes: utf8Length(text), sentAt: sentAtMs }
      this.#state.accounts.deliver(account, message)
      this.#count.messages++
    }
  }

  #takeSession(record: SessionRecord): void {
    const { accounts, sessions } = this.#state
    const account = accounts.withId(record.accountId)
    if (account === undefined) throw malformed('it has a session of an account that it does not have')
    if (sessions.withId(record.id) !== undefined) throw malformed('it has a session twice')
    const session = sessions.open({
      id: record.id,
      account,
      tokenKey: tokenKeyOf(record.tokenHash),
      lastActive: record.lastActiveMs,
      idleTimeoutMs: record.idleTimeoutMs,
      endsAt: record.endsAtMs,
      window: null,
    })
    this.#count.sessions++
    const { newestReplyIndex } = record
    if (newestReplyIndex === 0) return
    this.#answering.set(session.id, { session, window: new ReplyWindow(), newestReplyIndex })
  }

  #takeEndedSession({ id, accountId, tokenHash, reason, endedAtMs }: EndedSessionRecord): void {
    const ending = endReasons[reason]
    if (ending === undefined)
      throw malformed('it has a session that ended in a way that this version does not know')
    const session = { id, accountId, tokenKey: tokenKeyOf(tokenHash), reason: ending, endedAt: endedAtMs }
    this.#state.sessions.ended.add(session, null)
    this.#count.endedSessions++
  }

  #takeReplies({ sessionId, replies }: ReplyRecords): void {
    this.#count.replies += replies.length
    const { window, newestReplyIndex } = this.#windowOf(sessionId)
    for (const reply of replies) window.add(toReply(reply), newestReplyIndex)
  }

  #windowOf(sessionId: number): Pick<Answering, 'window' | 'newestReplyIndex'> {
    const { accountReplies, sessions, index } = this.#state
    if (sessionId === 0) return { window: accountReplies, newestReplyIndex: index }
    const known = this.#answering.get(sessionId)
    if (known !== undefined) return known
    const session = sessions.ended.withId(sessionId)
    if (session === undefined) throw malformed('it has replies of a session that it does not have')
    const window = this.#ended.get(sessionId)?.window ?? new ReplyWindow()
    this.#ended.set(sessionId, { session, window })
    return { window, newestReplyIndex: 0 }
  }
}

function toReply(record: ReplyRecord): RememberedReply {
  const { key, fingerprint, atMs } = record
  return { key, fingerprint, at: atMs, outcome: toOutcome(record) }
}

function toOutcome({ outcome, recipientOnline }: ReplyRecord): Outcome {
  if (outcome?.$case === 'value') return sent(outcome.value, recipientOnline)
  const refused = -(outcome?.value ?? 0)
  if (reasonOf(refused) === undefined) throw malformed('it has a reply that this version does not know')
  return refused
}

function malformed(what: string): StateMachineError {
  return new StateMachineError('malformed snapshot', `The snapshot is damaged: ${what}. Use another.`)
}

import { StateMachineError } from '../error.ts'
import {
  type MessageRecord,
  type ReplyRecord,
  type SnapshotRecord,
  EndReason as WireEndReason,
} from '../gen/chatroom/state/v1/snapshot.ts'
import type { ChatLimits } from '../limits.ts'
import type { EndReason } from '../reply.ts'
import type { AccountImage } from '../state/change-watch.ts'
import type { ChatState } from '../state/chat-state.ts'
import type { EndedReplies, EndedSession } from '../state/ended-sessions.ts'
import type { FifoImage } from '../state/fifo.ts'
import type { StoredMessage } from '../state/message-block.ts'
import { refusalCode, sendOutcome } from '../state/outcome.ts'
import type { RememberedReply, ReplyWindowImage } from '../state/reply-window.ts'
import { tokenHashOf } from '../state/token-key.ts'

/** Format of the snapshots written here. */
export const snapshotFormat = 1

/** Bytes that a record of many items should have, roughly: what is encoded in one go. */
const recordBytes = 32 * 1_024
/** Bytes an item counts for, apart from its texts. */
const itemBytes = 32
/** Items that are looked at in one go. */
const recordItems = 512

const endReasons: Readonly<Record<EndReason, WireEndReason>> = {
  'session taken over': WireEndReason.END_REASON_TAKEN_OVER,
  'session expired': WireEndReason.END_REASON_EXPIRED,
  'account deleted': WireEndReason.END_REASON_ACCOUNT_DELETED,
  'logged out': WireEndReason.END_REASON_LOGGED_OUT,
  'password changed': WireEndReason.END_REASON_PASSWORD_CHANGED,
}

/** An account with the messages that go into its own record. */
interface AccountHead {
  readonly image: AccountImage
  readonly messages: readonly StoredMessage[]
}

/**
 * The state as of this call, as records. What is not kept in a form that later changes leave alone is kept by the `ChangeWatch` when it changes, so that this call takes
 * the same few microseconds however much there is. `watch.begin` must have been called just before.
 */
export function snapshotRecords(state: ChatState): Generator<SnapshotRecord, void, void> {
  return recordsOf(state, {
    index: state.index,
    time: state.time,
    ended: state.sessions.ended.image(),
    accountReplies: state.accountReplies.image(),
  })
}

interface Beginning {
  readonly index: number
  readonly time: number
  readonly ended: { readonly sessions: FifoImage<EndedSession>; readonly replies: FifoImage<EndedReplies> }
  readonly accountReplies: ReplyWindowImage
}

function* recordsOf(state: ChatState, beginning: Beginning): Generator<SnapshotRecord, void, void> {
  const { index, time, ended, accountReplies } = beginning
  const count = { accounts: 0, messages: 0, sessions: 0, endedSessions: 0, replies: 0 }
  const limits = limitsByName(state.limits)
  yield { record: { $case: 'header', value: { format: snapshotFormat, index, time, limits } } }

  for (const batch of batches(heads(state), bytesOfAccount)) {
    count.accounts += batch.length
    const accounts = batch.map(({ image, messages }) => ({
      id: image.id,
      name: image.name,
      passwordHash: image.passwordHash,
      firstSequence: image.firstSequence,
      messages: messages.map(toMessageRecord),
    }))
    yield { record: { $case: 'accounts', value: { accounts } } }
    for (const { image, messages } of batch) {
      count.messages += messages.length
      for (let more = nextMessages(image); more.length > 0; more = nextMessages(image)) {
        count.messages += more.length
        const value = { accountId: image.id, messages: more.map(toMessageRecord) }
        yield { record: { $case: 'mailbox', value } }
      }
    }
  }

  for (const images of batches(state.sessions.images(), bytesOfSession)) {
    count.sessions += images.length
    const sessions = images.map((image) => ({
      id: image.id,
      accountId: image.accountId,
      tokenHash: tokenHashOf(image.tokenKey),
      lastActiveMs: image.lastActive,
      idleTimeoutMs: image.idleTimeoutMs,
      newestReplyIndex: image.newestReplyIndex,
      endsAtMs: image.endsAt,
    }))
    yield { record: { $case: 'sessions', value: { sessions } } }
    for (const { id, replies } of images) {
      count.replies += replies?.size ?? 0
      yield* replyRecords(id, replies)
    }
  }

  for (const sessions of batches(itemsOf(ended.sessions), bytesOfSession)) {
    count.endedSessions += sessions.length
    const records = sessions.map((session) => ({
      id: session.id,
      accountId: session.accountId,
      tokenHash: tokenHashOf(session.tokenKey),
      reason: endReasons[session.reason],
      endedAtMs: session.endedAt,
    }))
    yield { record: { $case: 'endedSessions', value: { sessions: records } } }
  }
  for (const { sessionId, window } of itemsOf(ended.replies)) {
    count.replies += window.size
    yield* replyRecords(sessionId, window.image())
  }

  count.replies += accountReplies.size
  yield* replyRecords(0, accountReplies)
  yield { record: { $case: 'trailer', value: count } }
}

/** The bounds that decide what `apply` answers, by name. */
export function limitsByName(limits: ChatLimits): Map<string, number> {
  return new Map(Object.entries<number>({ ...limits }))
}

function* heads({ accounts }: ChatState): Generator<AccountHead, void, void> {
  for (const image of accounts.images()) yield { image, messages: nextMessages(image) }
}

function* itemsOf<T>(image: FifoImage<T>): Generator<T, void, void> {
  for (let number = image.first; number < image.next; number++) {
    const item = image.at(number)
    if (item === undefined) {
      const gone = `Item ${number} of ${image.next - image.first} was there when the snapshot began and is gone.`
      throw new StateMachineError('impossible state', gone)
    }
    yield item
  }
}

/** The next messages of a mailbox, as many as fit into one record; none at its end. */
function nextMessages({ messages }: AccountImage): StoredMessage[] {
  const found: StoredMessage[] = []
  let bytes = 0
  while (bytes < recordBytes) {
    const message = messages.next()
    if (message === undefined) break
    found.push(message)
    bytes += bytesOfMessage(message)
  }
  return found
}

function bytesOfAccount({ image, messages }: AccountHead): number {
  let bytes = image.name.length + image.passwordHash.length + itemBytes
  for (const message of messages) bytes += bytesOfMessage(message)
  return bytes
}

function bytesOfSession(): number {
  return 2 * itemBytes
}

function bytesOfMessage({ bytes, from }: StoredMessage): number {
  return bytes + from.length + itemBytes
}

function toMessageRecord({ id, sentAt, from, text }: StoredMessage): MessageRecord {
  return { id, sentAtMs: sentAt, from, text }
}

/** Puts together what goes into one record. */
function* batches<T>(items: Iterable<T>, bytesOf: (item: T) => number): Generator<T[], void, void> {
  let batch: T[] = []
  let bytes = 0
  for (const item of items) {
    batch.push(item)
    bytes += bytesOf(item)
    if (bytes < recordBytes && batch.length < recordItems) continue
    yield batch
    batch = []
    bytes = 0
  }
  if (batch.length > 0) yield batch
}

function* replyRecords(
  sessionId: number,
  replies: ReplyWindowImage | null,
): Generator<SnapshotRecord, void, void> {
  const size = replies?.size ?? 0
  for (let place = 0; replies !== null && place < size; ) {
    const batch: ReplyRecord[] = []
    while (place < size && batch.length < recordItems) batch.push(toReplyRecord(replies.at(place++)))
    yield { record: { $case: 'replies', value: { sessionId, replies: batch } } }
  }
}

function toReplyRecord({ key, fingerprint, outcome, at }: RememberedReply): ReplyRecord {
  const code = refusalCode(outcome)
  const { id, recipientOnline } = sendOutcome(outcome)
  return {
    key,
    fingerprint,
    atMs: at,
    outcome: code === undefined ? { $case: 'value', value: id } : { $case: 'refused', value: code },
    recipientOnline,
  }
}

import { BinaryWriter } from '@bufbuild/protobuf/wire'
import { StateMachineError } from '../error.ts'
import {
  type ReplyRecord,
  SnapshotRecord,
  EndReason as WireEndReason,
} from '../gen/chatroom/state/v1/snapshot.ts'
import type { ChatLimits } from '../limits.ts'
import type { EndReason } from '../reply.ts'
import type { ChatState } from '../state/chat-state.ts'
import type { EndedReplies, EndedSession } from '../state/ended-sessions.ts'
import type { FifoImage } from '../state/fifo.ts'
import { idIn, refusalCode, wasOnline } from '../state/outcome.ts'
import type { RememberedReply, ReplyWindowImage } from '../state/reply-window.ts'
import { tokenHashOf } from '../state/token-key.ts'
import { accountRecords } from './account-records.ts'

/** Format of the snapshots written here. */
export const snapshotFormat = 1

/** Items of one record: what is looked at in one go. */
const recordItems = 512

const endReasons: Readonly<Record<EndReason, WireEndReason>> = {
  'session taken over': WireEndReason.END_REASON_TAKEN_OVER,
  'session expired': WireEndReason.END_REASON_EXPIRED,
  'account deleted': WireEndReason.END_REASON_ACCOUNT_DELETED,
  'logged out': WireEndReason.END_REASON_LOGGED_OUT,
  'password changed': WireEndReason.END_REASON_PASSWORD_CHANGED,
}

/**
 * The state as of this call, as records, each with its length before it. What is not kept in a form that later changes leave alone is kept by the `ChangeWatch` when it changes, so that this call takes
 * the same few microseconds however much there is. `watch.begin` must have been called just before.
 */
export function snapshotRecords(state: ChatState): Generator<Uint8Array, void, void> {
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

function* recordsOf(state: ChatState, beginning: Beginning): Generator<Uint8Array, void, void> {
  const { index, time, ended, accountReplies } = beginning
  const count = { accounts: 0, messages: 0, sessions: 0, endedSessions: 0, replies: 0 }
  const limits = limitsByName(state.limits)
  yield framed({ $case: 'header', value: { format: snapshotFormat, index, time, limits } })

  yield* accountRecords(state.accounts, count)

  for (const images of batches(state.sessions.images())) {
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
    yield framed({ $case: 'sessions', value: { sessions } })
    for (const { id, replies } of images) {
      count.replies += replies?.size ?? 0
      yield* replyRecords(id, replies)
    }
  }

  for (const sessions of batches(itemsOf(ended.sessions))) {
    count.endedSessions += sessions.length
    const records = sessions.map((session) => ({
      id: session.id,
      accountId: session.accountId,
      tokenHash: tokenHashOf(session.tokenKey),
      reason: endReasons[session.reason],
      endedAtMs: session.endedAt,
    }))
    yield framed({ $case: 'endedSessions', value: { sessions: records } })
  }
  for (const { sessionId, window } of itemsOf(ended.replies)) {
    count.replies += window.size
    yield* replyRecords(sessionId, window.image())
  }

  count.replies += accountReplies.size
  yield* replyRecords(0, accountReplies)
  yield framed({ $case: 'trailer', value: count })
}

/** The bounds that decide what `apply` answers, by name. */
export function limitsByName(limits: ChatLimits): Map<string, number> {
  return new Map(Object.entries<number>({ ...limits }))
}

function framed(record: SnapshotRecord['record']): Uint8Array {
  return SnapshotRecord.encode({ record }, new BinaryWriter().fork()).join().finish()
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

/** Puts together what goes into one record. */
function* batches<T>(items: Iterable<T>): Generator<T[], void, void> {
  let batch: T[] = []
  for (const item of items) {
    batch.push(item)
    if (batch.length < recordItems) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

function* replyRecords(
  sessionId: number,
  replies: ReplyWindowImage | null,
): Generator<Uint8Array, void, void> {
  const size = replies?.size ?? 0
  for (let place = 0; replies !== null && place < size; ) {
    const batch: ReplyRecord[] = []
    while (place < size && batch.length < recordItems) batch.push(toReplyRecord(replies.at(place++)))
    yield framed({ $case: 'replies', value: { sessionId, replies: batch } })
  }
}

function toReplyRecord({ key, fingerprint, outcome, at }: RememberedReply): ReplyRecord {
  const code = refusalCode(outcome)
  return {
    key,
    fingerprint,
    atMs: at,
    outcome:
      code === undefined ? { $case: 'value', value: idIn(outcome) } : { $case: 'refused', value: code },
    recipientOnline: wasOnline(outcome),
  }
}

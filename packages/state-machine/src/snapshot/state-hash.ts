import type { ChatState } from '../state/chat-state.ts'
import type { ReplyWindowImage } from '../state/reply-window.ts'
import { Digest } from '../text/digest.ts'

/**
 * The same text for the same state: everything that decides the replies to commands to come, in an order that depends on nothing else. Takes time in proportion to the
 * whole state.
 */
export function hashOf({ accounts, sessions, accountReplies }: ChatState): string {
  const digest = new Digest()
  digest.number(accounts.size)
  for (const account of accounts.inOrder()) {
    digest.number(account.id).text(account.name).text(accounts.passwordHashOf(account))
    const { waiting, lastSequence } = accounts.mailboxOf(account)
    digest.number(waiting).number(lastSequence)
    for (const { messageId, from, text, sentAtMs } of accounts.read(account, 0, Infinity, Infinity)) {
      digest.text(messageId).text(from).text(text).number(sentAtMs)
    }
  }
  digest.number(sessions.size)
  for (const session of sessions.inOrder()) {
    digest.number(session.id).number(session.account.id).text(session.tokenKey)
    digest.number(session.lastActive).number(session.idleTimeoutMs).number(session.endsAt)
    digest.number(session.window?.newestIndex ?? 0)
    addReplies(digest, session.window?.image())
  }
  const ended = sessions.ended.image()
  for (let number = ended.sessions.first; number < ended.sessions.next; number++) {
    const session = ended.sessions.at(number)
    if (session === undefined) continue
    digest.number(session.id).number(session.accountId).text(session.tokenKey)
    digest.text(session.reason).number(session.endedAt)
    addReplies(digest, sessions.ended.windowOf(session.id)?.image())
  }
  addReplies(digest, accountReplies.image())
  return digest.toString()
}

function addReplies(digest: Digest, replies: ReplyWindowImage | undefined): void {
  const size = replies?.size ?? 0
  digest.number(size)
  for (let place = 0; replies !== undefined && place < size; place++) {
    const { key, fingerprint, outcome, at } = replies.at(place)
    digest.text(key).number(fingerprint).text(String(outcome)).number(at)
  }
}

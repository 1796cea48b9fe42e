import type { Reply } from '../reply.ts'
import type { ChatState } from '../state/chat-state.ts'

/** Ends and forgets whose time has come, a bounded number at a time. */
export function applyExpire({ sessions, accountReplies, limits, time }: ChatState): Reply {
  const ended = sessions.expire(time)
  accountReplies.dropUpTo(time - limits.rememberReplyMs, limits.expirePerEntry)
  return { ok: true, type: 'expire', ended }
}

import type { Command, ReplyOf } from '@chatroom/state-machine'
import { successOf } from './chat-replies.ts'
import type { ServiceContext } from './context.ts'
import { ChatFailure } from './failure.ts'
import type { FollowedCall } from './followed-call.ts'

/** The lane of requests that belong to no session. Sessions are log indexes, from 1. */
export const withoutSession = 0

/** Throws what a call is told that would find no room, before anything else is looked at: it must cost as little as it can. */
export function refuseIfFull(context: ServiceContext, sessionId: number): void {
  if (context.admission.isFull(sessionId)) throw overloaded(context)
}

function overloaded({ retries }: ServiceContext): ChatFailure {
  return new ChatFailure('OVERLOADED', 'Too many requests are under way: try again in a moment.', {
    retryAfterMs: retries.next(),
  })
}

/**
 * Proposes one command of a single call and waits for its success. Refused with OVERLOADED when its session, or all together, have too much under way: unlike a
 * stream, a single call has nowhere to wait.
 */
export async function proposeOne<C extends Command>(
  context: ServiceContext,
  sessionId: number,
  command: C,
  bytes: number,
  followed: FollowedCall | null,
): Promise<Exclude<ReplyOf<C>, { readonly ok: false }>> {
  const lane = context.admission.lane(sessionId)
  if (!lane.enter(bytes)) {
    lane.release(null)
    throw overloaded(context)
  }
  try {
    const { replica } = context
    const reply =
      followed === null ? replica.propose(command) : replica.propose(command, { trace: followed.checked() })
    return successOf(command, await reply)
  } finally {
    lane.settled(bytes)
    lane.answered()
    lane.release(null)
  }
}

import type { ServiceContext } from './context.ts'
import { ChatFailure } from './failure.ts'

/** Takes one message from what an account may send. @returns null, or the refusal with the time to wait */
export function takeSend(
  context: Pick<ServiceContext, 'sends' | 'limits'>,
  accountId: number,
): ChatFailure | null {
  const waitMs = context.sends.take(accountId)
  if (waitMs === 0) return null
  return new ChatFailure(
    'OVERLOADED',
    `This account sends more than ${context.limits.sendsPerSecond} messages in a second: wait, and send more slowly.`,
    { retryAfterMs: Math.max(waitMs, context.limits.retryAfterMs) },
  )
}

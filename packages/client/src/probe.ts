import { ChatServiceService, readChatError } from '@chatroom/transport-grpc/chat'
import { trustFaultIn } from './credentials.ts'
import { failureOf, isServiceError } from './failure.ts'
import type { Answer, Probe } from './leader-search.ts'
import { onAbort } from './on-abort.ts'
import { anonymous } from './replica-channel.ts'

/**
 * Asks a replica whether it leads by the cheapest request that only a leader answers: a page of one account name, without a session, so that it counts as
 * nobody's command.
 * @param timeoutMs milliseconds after which a replica counts as silent
 */
export function probeLeader(timeoutMs: number): Probe {
  return async (channel, signal): Promise<Answer> => {
    const page = { prefix: '', pageSize: 1, pageToken: '' }
    const call = channel.unary(ChatServiceService.listAccounts, page, anonymous, timeoutMs)
    const forget = onAbort(signal, call.leave)
    try {
      await call.answer
      return { kind: 'leads' }
    } catch (error) {
      if (!isServiceError(error)) throw error
      const info = readChatError(error)
      if (info.reason === null) {
        const fault = info.code === 'UNAUTHENTICATED' ? info.message : trustFaultIn(info.message)
        return { kind: 'silent', fault }
      }
      const failure = failureOf(info)
      return { kind: 'does not', leader: failure.kind === 'lost' ? failure.leader : null }
    } finally {
      forget()
    }
  }
}

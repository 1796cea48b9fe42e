import type { Administer } from '../command.ts'
import type { Reply } from '../reply.ts'
import type { ChatState } from '../state/chat-state.ts'
import { isLocked, locked, unlocked } from '../state/locked-hash.ts'
import { refuseNoAccount } from './refusals.ts'

/** An operator's command. It needs no memory: done twice it does what it does once. */
export function applyAdminister(state: ChatState, { name, action }: Administer): Reply {
  const { accounts, sessions, time } = state
  const account = accounts.named(name)
  if (account === undefined) return refuseNoAccount(name)
  const hash = accounts.passwordHashOf(account)
  if (action === 'unlock') {
    if (isLocked(hash)) accounts.changePassword(account, unlocked(hash))
    return { ok: true, type: 'administer' }
  }
  const session = sessions.liveOf(account, time)
  if (session !== undefined) sessions.end(session, action === 'lock' ? 'logged out' : 'account deleted', time)
  if (action === 'delete') accounts.remove(account)
  else if (!isLocked(hash)) accounts.changePassword(account, locked(hash))
  return { ok: true, type: 'administer' }
}

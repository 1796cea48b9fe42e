import type { CreateAccount, Login } from '../command.ts'
import type { Reply } from '../reply.ts'
import { accountRequestKey, type ChatState } from '../state/chat-state.ts'
import { isLocked } from '../state/locked-hash.ts'
import { type Outcome, reasonOf, refused } from '../state/outcome.ts'
import type { RememberedReply } from '../state/reply-window.ts'
import type { Session } from '../state/sessions.ts'
import { tokenKeyOf } from '../state/token-key.ts'
import { refusal } from '../validation/checked.ts'
import { outOfBounds } from './bounds.ts'
import { fingerprintOf } from './fingerprint.ts'
import { refuse, refuseEnded, refuseReused } from './refusals.ts'

/** Requests that need no session are remembered by account name and request id, all names together up to `accountReplies`. */
export function applyCreateAccount(state: ChatState, command: CreateAccount): Reply {
  const invalid = outOfBounds(command, state.limits)
  if (invalid !== undefined) return invalid
  const fingerprint = fingerprintOf(command)
  const earlier = recall(state, command)
  if (earlier !== undefined && earlier.fingerprint !== fingerprint) return refuseReused(command)
  const outcome = earlier?.outcome ?? createAccount(state, command)
  if (earlier === undefined) remember(state, command, fingerprint, outcome)
  const reason = reasonOf(outcome)
  if (reason !== undefined) return refuse(command, reason)
  return { ok: true, type: 'createAccount', accountId: outcome, name: command.name }
}

function createAccount({ accounts, limits, index }: ChatState, command: CreateAccount): Outcome {
  if (accounts.named(command.name) !== undefined) return refused('name taken')
  if (accounts.size >= limits.accounts) return refused('limit reached')
  return accounts.add(index, command.name, command.passwordHash).id
}

/** What a login remembers is the session it opened: its retry gets that session, or hears how it ended. It never opens a second one. */
export function applyLogin(state: ChatState, command: Login): Reply {
  const invalid = outOfBounds(command, state.limits)
  if (invalid !== undefined) return invalid
  const tokenKey = tokenKeyOf(command.tokenHash)
  const fingerprint = fingerprintOf(command)
  const earlier = recall(state, command)
  if (earlier !== undefined && earlier.fingerprint !== fingerprint) return refuseReused(command)
  const { sessions } = state
  const holder = sessions.withToken(tokenKey) ?? sessions.ended.withToken(tokenKey)
  if (holder !== undefined && holder.id !== earlier?.outcome) {
    return refusal('invalid argument', 'This token opens another session already. Draw a new one.')
  }
  if (earlier === undefined) {
    const outcome = login(state, command, tokenKey)
    remember(state, command, fingerprint, outcome)
    return loginReply(state, command, outcome)
  }
  const session = sessions.live(earlier.outcome, state.time)
  if (session !== undefined) sessions.replaceToken(session, tokenKey)
  return loginReply(state, command, earlier.outcome)
}

function login(state: ChatState, command: Login, tokenKey: string): Outcome {
  const { accounts, sessions, limits, index, time } = state
  const account = accounts.named(command.name)
  if (account?.id !== command.accountId) return refused('wrong credentials')
  // Locked since the password was checked.
  if (isLocked(accounts.passwordHashOf(account))) return refused('wrong credentials')
  const other = sessions.liveOf(account, time)
  if (other !== undefined && !command.takeover) return refused('logged in elsewhere')
  if (other === undefined && sessions.size >= limits.sessions) return refused('limit reached')
  if (other !== undefined) sessions.end(other, 'session taken over', time)
  const { idleTimeoutMs, lifetimeMs } = command
  const endsAt = lifetimeMs === 0 ? 0 : Math.min(time + lifetimeMs, Number.MAX_SAFE_INTEGER)
  const session = { id: index, account, tokenKey, lastActive: time, idleTimeoutMs, endsAt, window: null }
  return sessions.open(session).id
}

function loginReply(state: ChatState, command: Login, outcome: Outcome): Reply {
  const reason = reasonOf(outcome)
  if (reason !== undefined) return refuse(command, reason)
  const session: Session | undefined = state.sessions.withId(outcome)
  if (session === undefined) return refuseEnded(state.sessions.ended.withId(outcome)?.reason)
  const { id, account, idleTimeoutMs } = session
  return {
    ok: true,
    type: 'login',
    sessionId: id,
    accountId: account.id,
    name: account.name,
    idleTimeoutMs,
    waiting: state.accounts.mailboxOf(account).waiting,
  }
}

function recall(state: ChatState, { requestId, name }: CreateAccount | Login): RememberedReply | undefined {
  const { accountReplies, observers, limits, time } = state
  const earlier = accountReplies.find(accountRequestKey(requestId, name), time - limits.rememberReplyMs)
  if (earlier !== undefined) observers.answeredAgain++
  return earlier
}

function remember(
  state: ChatState,
  { requestId, name }: CreateAccount | Login,
  fingerprint: number,
  outcome: Outcome,
): void {
  const { accountReplies, limits, index, time } = state
  accountReplies.dropUpTo(time - limits.rememberReplyMs, limits.expirePerEntry)
  accountReplies.add({ key: accountRequestKey(requestId, name), fingerprint, outcome, at: time }, index)
  while (accountReplies.size > limits.accountReplies) accountReplies.dropOldest()
}

import { checkName, checkPassword, checkRequestId } from '@chatroom/state-machine'
import type {
  LoginRequest,
  LoginResponse,
  LogoutRequest,
  LogoutResponse,
} from '@chatroom/transport-grpc/chat'
import { callerOf, hashToken, newToken } from './authentication.ts'
import { valid } from './chat-replies.ts'
import type { ServiceContext } from './context.ts'
import { ChatFailure } from './failure.ts'
import { checkedPassword, wrongCredentials } from './password-check.ts'
import { proposeOne, withoutSession } from './proposing.ts'
import type { Caller } from './unary.ts'

/** Opens a session. Unknown name and wrong password are answered in the same words and after the same work. */
export async function login(
  context: ServiceContext,
  request: LoginRequest,
  caller: Caller,
): Promise<LoginResponse> {
  const requestId = valid(checkRequestId(request.requestId))
  const name = valid(checkName(request.name))
  const password = valid(checkPassword(request.password))
  const account = await context.replica.read((chat) => chat.account(name))
  await checkedPassword(context, name, account?.passwordHash ?? null, password, caller)
  if (account === undefined) throw wrongCredentials()
  // Only who knows the password hears of it.
  if (account.locked)
    throw new ChatFailure('WRONG_CREDENTIALS', 'This account is locked: ask the operator of the chat.')
  const token = newToken(context.random)
  const opened = await proposeOne(
    context,
    withoutSession,
    {
      type: 'login',
      requestId,
      name,
      accountId: account.accountId,
      tokenHash: hashToken(token),
      takeover: request.takeover,
      idleTimeoutMs: grantedIdleTimeoutMs(context, request.idleTimeoutSeconds),
      lifetimeMs: context.limits.sessionLifetimeMs,
    },
    0,
    caller.followed,
  )
  return {
    token,
    idleTimeoutSeconds: Math.ceil(opened.idleTimeoutMs / 1_000),
    waiting: opened.waiting,
    name: opened.name,
  }
}

/** Ends the calling session. */
export async function logout(
  context: ServiceContext,
  request: LogoutRequest,
  caller: Caller,
): Promise<LogoutResponse> {
  const requestId = valid(checkRequestId(request.requestId))
  const sessionId = await callerOf(context.replica, caller.metadata)
  await proposeOne(context, sessionId, { type: 'logout', sessionId, requestId }, 0, caller.followed)
  return {}
}

function grantedIdleTimeoutMs(context: ServiceContext, seconds: number): number {
  const { idleTimeoutDefaultMs, idleTimeoutMaximumMs } = context.limits
  return seconds === 0 ? idleTimeoutDefaultMs : Math.min(seconds * 1_000, idleTimeoutMaximumMs)
}

import { checkName, checkPassword, checkRequestId } from '@chatroom/state-machine'
import type {
  ChangePasswordRequest,
  ChangePasswordResponse,
  CreateAccountRequest,
  CreateAccountResponse,
  DeleteAccountRequest,
  DeleteAccountResponse,
  ListAccountsRequest,
  ListAccountsResponse,
} from '@chatroom/transport-grpc/chat'
import type { Activity } from './activity.ts'
import { callerOf, callingSession, liveSessionIn, tokenHashOf } from './authentication.ts'
import { valid } from './chat-replies.ts'
import type { ServiceContext } from './context.ts'
import { ChatFailure } from './failure.ts'
import { askerOf, checkedPassword } from './password-check.ts'
import { proposeOne, withoutSession } from './proposing.ts'
import { deleteCommand } from './requests.ts'
import type { Caller } from './unary.ts'

/** Makes an account. A replica that may not serve says so before it does the work of hashing. */
export async function createAccount(
  context: ServiceContext,
  request: CreateAccountRequest,
  caller: Caller,
): Promise<CreateAccountResponse> {
  const requestId = valid(checkRequestId(request.requestId))
  const name = valid(checkName(request.name))
  const password = valid(checkPassword(request.password))
  await context.replica.read(() => null)
  const passwordHash = await context.passwords.hash(password, askerOf(caller))
  await proposeOne(
    context,
    withoutSession,
    { type: 'createAccount', requestId, name, passwordHash },
    0,
    caller.followed,
  )
  return {}
}

/** Removes the calling account. */
export async function deleteAccount(
  context: ServiceContext,
  request: DeleteAccountRequest,
  caller: Caller,
): Promise<DeleteAccountResponse> {
  const sessionId = await callerOf(context.replica, caller.metadata)
  await proposeOne(context, sessionId, deleteCommand(sessionId, request), 0, caller.followed)
  return {}
}

/** What stands for the hash of a password that is not going to be stored: the session has ended, and only a reply that is remembered can come. */
const noHash = 'none'

/** Gives the calling account another password, if the caller knows the old one, and ends the session. */
export async function changePassword(
  context: ServiceContext,
  request: ChangePasswordRequest,
  caller: Caller,
): Promise<ChangePasswordResponse> {
  const requestId = valid(checkRequestId(request.requestId))
  const oldPassword = valid(checkPassword(request.oldPassword))
  const newPassword = valid(checkPassword(request.newPassword))
  const session = await callingSession(context.replica, caller.metadata)
  const { sessionId } = session
  let passwordHash = noHash
  if (!('ended' in session)) {
    const account = await context.replica.read((chat) => chat.account(session.name))
    await checkedPassword(context, session.name, account?.passwordHash ?? null, oldPassword, caller)
    passwordHash = await context.passwords.hash(newPassword, askerOf(caller))
  }
  await proposeOne(
    context,
    sessionId,
    { type: 'changePassword', sessionId, requestId, passwordHash },
    0,
    caller.followed,
  )
  return {}
}

/** Lists names by prefix. It needs no session; but a token that is given must be good, and then listing is a command of its user. */
export async function listAccounts(
  context: ServiceContext,
  activity: Activity,
  request: ListAccountsRequest,
  caller: Caller,
): Promise<ListAccountsResponse> {
  const { listPage } = context.limits
  const size = request.pageSize === 0 ? listPage : Math.min(request.pageSize, listPage)
  const after = nameOfPageToken(request.pageToken)
  const prefix = request.prefix.normalize('NFC')
  const tokenHash = tokenHashOf(caller.metadata)
  const { names, session } = await context.replica.read((chat) => ({
    names: chat.list(prefix, after, size + 1),
    session: tokenHash === null ? null : liveSessionIn(chat, tokenHash),
  }))
  if (session !== null) activity.note(session)
  const page = names.slice(0, size)
  return { names: page, nextPageToken: names.length > size ? pageTokenOf(page.at(-1) ?? '') : '' }
}

function pageTokenOf(lastName: string): string {
  return Buffer.from(lastName).toString('base64url')
}

/** '' for the first page. */
function nameOfPageToken(token: string): string {
  const name = Buffer.from(token, 'base64url').toString()
  if (pageTokenOf(name) !== token) {
    throw new ChatFailure(
      'INVALID_ARGUMENT',
      'page_token is not one that a response gave: begin without one.',
    )
  }
  return name
}

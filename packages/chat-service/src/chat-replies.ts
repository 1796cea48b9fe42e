import type { Checked, Command, EndReason, Reason, ReplyOf } from '@chatroom/state-machine'
import { isReplyTo, type Reply } from '@chatroom/state-machine'
import type { ChatErrorReason } from '@chatroom/transport-grpc/chat'
import { ChatFailure } from './failure.ts'

const reasons: Record<Reason, ChatErrorReason> = {
  'invalid name': 'INVALID_NAME',
  'invalid password': 'INVALID_PASSWORD',
  'invalid text': 'INVALID_TEXT',
  'invalid request id': 'INVALID_REQUEST_ID',
  'invalid argument': 'INVALID_ARGUMENT',
  'request id reused': 'REQUEST_ID_REUSED',
  'name taken': 'NAME_TAKEN',
  'wrong credentials': 'WRONG_CREDENTIALS',
  'not logged in': 'NOT_LOGGED_IN',
  'logged in elsewhere': 'LOGGED_IN_ELSEWHERE',
  'session taken over': 'SESSION_TAKEN_OVER',
  'session expired': 'SESSION_EXPIRED',
  'account deleted': 'ACCOUNT_DELETED',
  'logged out': 'LOGGED_OUT',
  'password changed': 'PASSWORD_CHANGED',
  'unknown recipient': 'UNKNOWN_RECIPIENT',
  'send to self': 'SEND_TO_SELF',
  'mailbox full': 'MAILBOX_FULL',
  'not confirmed': 'NOT_CONFIRMED',
  'limit reached': 'LIMIT_REACHED',
}

const endings: Record<EndReason, string> = {
  'session taken over': 'This session was ended by another login of the same account: log in again.',
  'session expired':
    'This session has ended, because it had no command for its idle timeout or was as old as a session may get: log in again.',
  'account deleted': 'The account of this session was deleted.',
  'logged out': 'This session has logged out: log in again.',
  'password changed': 'The password of this account was changed: log in with the new one.',
}

/** What the chat refused, as a failure of the call. */
export function refusalOf(refusal: { readonly reason: Reason; readonly message: string }): ChatFailure {
  return new ChatFailure(reasons[refusal.reason], refusal.message)
}

/** What a caller whose session has ended is told. */
export function endedSession(reason: EndReason): ChatFailure {
  return new ChatFailure(reasons[reason], endings[reason])
}

/** What a client wrote, in the form to go on with. Throws why it may not be used. */
export function valid(checked: Checked): string {
  if (!checked.ok) throw refusalOf(checked)
  return checked.value
}

/** The success of a command. Throws what the chat refused. */
export function successOf<C extends Command>(
  command: C,
  reply: Reply,
): Exclude<ReplyOf<C>, { readonly ok: false }> {
  if (!reply.ok) throw refusalOf(reply)
  if (isReplyTo(command, reply) && isSuccess<C>(reply)) return reply
  throw new TypeError(`the chat answered ${reply.type} to ${command.type}`)
}

function isSuccess<C extends Command>(
  reply: ReplyOf<C>,
): reply is Exclude<ReplyOf<C>, { readonly ok: false }> {
  return reply.ok
}

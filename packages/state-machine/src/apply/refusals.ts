import type { CreateAccount, Login } from '../command.ts'
import type { LoggedRequest } from '../logged-command.ts'
import type { EndReason, Refusal } from '../reply.ts'
import type { RememberedReason } from '../state/outcome.ts'
import { refusal } from '../validation/checked.ts'

/** The refusal of a request for a reason that depends on the state. Made of the request and the reason alone, so that a retry gets the same words. */
export function refuse(command: CreateAccount | Login | LoggedRequest, reason: RememberedReason): Refusal {
  return refusal(reason, explain(command, reason))
}

/** The refusal of a command whose session has ended; undefined: nobody remembers such a session. */
export function refuseEnded(reason: EndReason | undefined): Refusal {
  return reason === undefined
    ? refusal('not logged in', 'This session is unknown or ended long ago. Log in again.')
    : refusal(reason, endings[reason])
}

/** The refusal of an operator's command about an account that is not there. */
export function refuseNoAccount(name: string): Refusal {
  return refusal(
    'unknown recipient',
    `There is no account named ${quote(name)}. Check the name; the list shows all.`,
  )
}

/** The refusal of a request whose id was used for another request. */
export function refuseReused({ requestId }: { readonly requestId: string }): Refusal {
  return refusal(
    'request id reused',
    `The request id ${quote(requestId)} was used for another request. Give each request an id of its own.`,
  )
}

const endings: Readonly<Record<EndReason, string>> = {
  'session taken over': 'This session was ended by a login elsewhere with takeover. Log in again.',
  'session expired':
    'This session ended because it was idle for too long, or as old as a session may get. Log in again.',
  'account deleted': 'The account of this session was deleted.',
  'logged out': 'This session was logged out. Log in again.',
  'password changed': 'The password of this account was changed. Log in with the new one.',
}

const limitsReached: Readonly<Record<string, string>> = {
  createAccount: 'The chat has as many accounts as it may have. Ask its operator.',
  login: 'The chat has as many sessions as it may have. Try again later.',
  send: 'As many messages wait in the chat as may. Try again when some have been read.',
}

function explain(command: CreateAccount | Login | LoggedRequest, reason: RememberedReason): string {
  const name = quote(nameIn(command))
  switch (reason) {
    case 'name taken':
      return `There is an account named ${name} already. Choose another name.`
    case 'wrong credentials':
      return 'Unknown account or wrong password. Check both and try again.'
    case 'logged in elsewhere':
      return `${name} is logged in elsewhere. Log out there, or log in with takeover to end that session.`
    case 'unknown recipient':
      return `There is no account named ${name}. Check the name; the list shows all.`
    case 'send to self':
      return 'A message to yourself is not sent. Name another account.'
    case 'mailbox full':
      return `The mailbox of ${name} is full. Try again when some of its messages have been read.`
    case 'not confirmed':
      return `${name} is not the name of this account. Give the account's own name to delete it.`
    case 'limit reached':
      return limitsReached[command.type] ?? ''
    case 'invalid argument':
      return 'This sequence number lies beyond the last message of the mailbox. Acknowledge what was received.'
  }
}

function nameIn(command: CreateAccount | Login | LoggedRequest): string {
  switch (command.type) {
    case 'createAccount':
    case 'login':
      return command.name
    case 'send':
      return command.to
    case 'deleteAccount':
      return command.confirmName
    default:
      return ''
  }
}

/** In quotes, with control characters escaped, and not longer than a line. */
function quote(text: string): string {
  const units = 64
  return text.length > units ? `${JSON.stringify(text.slice(0, units))}…` : JSON.stringify(text)
}

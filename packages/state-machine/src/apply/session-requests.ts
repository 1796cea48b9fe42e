import type { Acknowledge, DeleteAccount, Touch } from '../command.ts'
import type { LoggedRequest, LoggedSend } from '../logged-command.ts'
import type { Refusal, Reply } from '../reply.ts'
import type { ChatState } from '../state/chat-state.ts'
import { idIn, type Outcome, reasonOf, refused, sent, wasOnline } from '../state/outcome.ts'
import type { Session } from '../state/sessions.ts'
import { bytesOf } from '../text/text-bytes.ts'
import { outOfBounds } from './bounds.ts'
import { fingerprintOf } from './fingerprint.ts'
import { refuse, refuseEnded, refuseReused } from './refusals.ts'

/**
 * A command of a session that may be tried again. What was answered first is answered again and nothing else happens, even if the session has ended since: the retry
 * of a request that took effect must not be told that it did not.
 */
export function applySessionRequest(state: ChatState, command: LoggedRequest): Reply {
  const invalid = outOfBounds(command, state.limits)
  if (invalid !== undefined) return invalid
  const { sessions, time, index } = state
  const session = sessions.live(command.sessionId, time)
  const fingerprint = fingerprintOf(command)
  const earlier = sessions.replyTo(command.sessionId, session, command.requestId, time)
  if (earlier !== undefined) {
    state.observers.answeredAgain++
    return earlier.fingerprint === fingerprint ? replyTo(command, earlier.outcome) : refuseReused(command)
  }
  if (session === undefined) return refuseGone(state, command.sessionId)
  if (command.type !== 'acknowledge') sessions.active(session, time)
  const outcome = perform(state, session, command)
  sessions.remember(session, { key: command.requestId, fingerprint, outcome, at: time }, index)
  if (outcome >= 0) endAfter(state, session, command)
  return replyTo(command, outcome)
}

/** A command that only read counts as activity. It needs no memory: doing it twice does what doing it once does. */
export function applyTouch(state: ChatState, command: Touch): Reply {
  const session = state.sessions.live(command.sessionId, state.time)
  if (session === undefined) return refuseGone(state, command.sessionId)
  state.sessions.active(session, state.time)
  return { ok: true, type: 'touch' }
}

function perform(state: ChatState, session: Session, command: LoggedRequest): Outcome {
  switch (command.type) {
    case 'logout':
      return 0
    case 'deleteAccount':
      return confirmed(session, command) ? 0 : refused('not confirmed')
    case 'changePassword':
      state.accounts.changePassword(session.account, command.passwordHash)
      return 0
    case 'send':
      return send(state, session, command)
    case 'acknowledge':
      return acknowledge(state, session, command)
  }
}

/** Ends the session if that is what the request does: after its reply was remembered, so that the reply outlives the session. */
function endAfter({ accounts, sessions, time }: ChatState, session: Session, command: LoggedRequest): void {
  if (command.type === 'logout') sessions.end(session, 'logged out', time)
  if (command.type === 'changePassword') sessions.end(session, 'password changed', time)
  if (command.type !== 'deleteAccount') return
  sessions.end(session, 'account deleted', time)
  accounts.remove(session.account)
}

function confirmed(session: Session, command: DeleteAccount): boolean {
  return session.account.name === command.confirmName
}

function send(
  { accounts, sessions, observers, limits, index, time }: ChatState,
  session: Session,
  command: LoggedSend,
): Outcome {
  const recipient = accounts.named(command.to)
  if (recipient === undefined) return refused('unknown recipient')
  if (recipient.id === session.account.id) return refused('send to self')
  const bytes = bytesOf(command)
  const { waiting, bytes: waitingBytes } = accounts.mailboxOf(recipient)
  if (waiting >= limits.mailboxMessages || waitingBytes + bytes > limits.mailboxBytes) {
    return refused('mailbox full')
  }
  if (accounts.waiting >= limits.waitingMessages || accounts.waitingBytes + bytes > limits.waitingBytes) {
    return refused('limit reached')
  }
  const message = { id: index, from: session.account.name, text: command, bytes, sentAt: time }
  observers.messageArrived(recipient.id, accounts.deliver(recipient, message))
  return sent(index, sessions.liveOf(recipient, time) !== undefined)
}

function acknowledge({ accounts }: ChatState, { account }: Session, command: Acknowledge): Outcome {
  if (command.upToSequence > accounts.mailboxOf(account).lastSequence) return refused('invalid argument')
  return accounts.acknowledge(account, command.upToSequence)
}

function refuseGone({ sessions }: ChatState, sessionId: number): Refusal {
  return refuseEnded(sessions.ended.withId(sessionId)?.reason)
}

function replyTo(command: LoggedRequest, outcome: Outcome): Reply {
  const reason = reasonOf(outcome)
  if (reason !== undefined) return refuse(command, reason)
  switch (command.type) {
    case 'logout':
    case 'deleteAccount':
    case 'changePassword':
      return { ok: true, type: command.type }
    case 'send':
      return { ok: true, type: 'send', messageId: idIn(outcome), recipientOnline: wasOnline(outcome) }
    case 'acknowledge':
      return { ok: true, type: 'acknowledge', waiting: outcome }
  }
}

import {
  type Acknowledge,
  checkName,
  checkRequestId,
  checkText,
  type DeleteAccount,
  defaultLimits,
  type Send,
} from '@chatroom/state-machine'
import type {
  AcknowledgeRequest,
  DeleteAccountRequest,
  SendMessageRequest,
} from '@chatroom/transport-grpc/chat'
import { refusalOf, valid } from './chat-replies.ts'
import { ChatFailure } from './failure.ts'

// Wire requests of a session as commands, or as the reason why nothing is proposed. What is not looked at here is bounded here: nothing over-long enters the log.

/** UTF-16 units that no name exceeds, in whatever form it is written. */
const nameUnits = 4 * defaultLimits.nameCodePoints

export function sendCommand(sessionId: number, request: SendMessageRequest): Send | ChatFailure {
  const requestId = checkRequestId(request.requestId)
  if (!requestId.ok) return refusalOf(requestId)
  const text = checkText(request.text)
  if (!text.ok) return refusalOf(text)
  const { to } = request
  // Whether the recipient exists is the chat's to say; only what cannot even be a name is refused here.
  if (to === '' || to.length > nameUnits) {
    const name = checkName(to)
    if (!name.ok) return refusalOf(name)
  }
  return {
    type: 'send',
    sessionId,
    requestId: request.requestId,
    to: normalName(to),
    text: request.text,
  }
}

/** As `normalize('NFC')`, which costs a name of ASCII, of which it changes nothing, more than looking through it. */
function normalName(name: string): string {
  for (let at = 0; at < name.length; at++) if (name.charCodeAt(at) > 0x7f) return name.normalize('NFC')
  return name
}

export function deleteCommand(sessionId: number, request: DeleteAccountRequest): DeleteAccount {
  const requestId = valid(checkRequestId(request.requestId))
  if (request.confirmName.length > nameUnits) {
    throw new ChatFailure(
      'NOT_CONFIRMED',
      'The name given to confirm is not the name of this account: nothing was deleted.',
    )
  }
  return { type: 'deleteAccount', sessionId, requestId, confirmName: normalName(request.confirmName) }
}

export function acknowledgeCommand(sessionId: number, request: AcknowledgeRequest): Acknowledge {
  const requestId = valid(checkRequestId(request.requestId))
  return { type: 'acknowledge', sessionId, requestId, upToSequence: request.upToSequence }
}

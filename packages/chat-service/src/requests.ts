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
    to: to.normalize('NFC'),
    text: request.text,
  }
}

export function deleteCommand(sessionId: number, request: DeleteAccountRequest): DeleteAccount {
  const requestId = valid(checkRequestId(request.requestId))
  if (request.confirmName.length > nameUnits) {
    throw new ChatFailure(
      'NOT_CONFIRMED',
      'The name given to confirm is not the name of this account: nothing was deleted.',
    )
  }
  return { type: 'deleteAccount', sessionId, requestId, confirmName: request.confirmName.normalize('NFC') }
}

export function acknowledgeCommand(sessionId: number, request: AcknowledgeRequest): Acknowledge {
  const requestId = valid(checkRequestId(request.requestId))
  return { type: 'acknowledge', sessionId, requestId, upToSequence: request.upToSequence }
}

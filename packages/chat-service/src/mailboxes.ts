import type {
  AcknowledgeRequest,
  AcknowledgeResponse,
  SendMessageRequest,
  SendMessageResponse,
} from '@chatroom/transport-grpc/chat'
import { callerOf, callingSession } from './authentication.ts'
import type { ServiceContext } from './context.ts'
import { ChatFailure } from './failure.ts'
import { proposeOne, refuseIfFull } from './proposing.ts'
import { acknowledgeCommand, sendCommand } from './requests.ts'
import { takeSend } from './send-rate.ts'
import type { Caller } from './unary.ts'

/** Puts one message into a mailbox. */
export async function sendMessage(
  context: ServiceContext,
  request: SendMessageRequest,
  caller: Caller,
): Promise<SendMessageResponse> {
  const found = callingSession(context.replica, caller.metadata)
  const { sessionId, accountId } = found instanceof Promise ? await found : found
  refuseIfFull(context, sessionId)
  const command = sendCommand(sessionId, request)
  if (command instanceof ChatFailure) throw command
  const tooFast = takeSend(context, accountId)
  if (tooFast !== null) throw tooFast
  const bytes = Buffer.byteLength(command.text)
  const { messageId, recipientOnline } = await proposeOne(context, sessionId, command, bytes, caller.followed)
  return { messageId: String(messageId), recipientOnline }
}

/** Takes messages out of the caller's mailbox. */
export async function acknowledge(
  context: ServiceContext,
  request: AcknowledgeRequest,
  caller: Caller,
): Promise<AcknowledgeResponse> {
  const sessionId = await callerOf(context.replica, caller.metadata)
  const { waiting } = await proposeOne(
    context,
    sessionId,
    acknowledgeCommand(sessionId, request),
    0,
    caller.followed,
  )
  return { waiting }
}

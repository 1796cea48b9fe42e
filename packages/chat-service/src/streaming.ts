import type { SendMessagesRequest, SubscribeRequest } from '@chatroom/transport-grpc/chat'
import type { handleBidiStreamingCall, handleServerStreamingCall } from '@grpc/grpc-js'
import type { Activity } from './activity.ts'
import { knownSessionIn, liveSessionIn, requiredTokenHash } from './authentication.ts'
import { refuseIfStopped, type ServiceContext } from './context.ts'
import type { Malformed } from './definition.ts'
import { ChatFailure } from './failure.ts'
import type { OpenStreams } from './open-streams.ts'
import { toFailure } from './replica-failures.ts'
import { SendStream } from './send-stream.ts'
import type { Subscriptions } from './subscriptions.ts'

// Streams are opened inside a linearizable read: what is learned of the session, of the mailbox and of leadership is of one moment, and whatever changes
// afterwards finds the stream registered.

export function sendMessagesHandler(
  context: ServiceContext,
  open: OpenStreams,
): handleBidiStreamingCall<SendMessagesRequest | Malformed, Buffer> {
  return (call) => {
    opening(context, call, async () => {
      const tokenHash = requiredTokenHash(call.metadata)
      await context.replica.read((chat) => {
        // Also of a session that has ended: its client may want to know what became of its last requests.
        const session = knownSessionIn(chat, tokenHash)
        const { sessionId } = session
        if (call.cancelled) return
        open.admit(sessionId)
        const stream = new SendStream(call, session, context, () => open.remove(sessionId, stream))
        open.add(sessionId, stream)
      })
    })
  }
}

export function subscribeHandler(
  context: ServiceContext,
  activity: Activity,
  subscriptions: Subscriptions,
): handleServerStreamingCall<SubscribeRequest | Malformed, Buffer> {
  return (call) => {
    opening(context, call, async () => {
      const { request } = call
      if ('malformed' in request) throw new ChatFailure('INVALID_ARGUMENT', request.malformed)
      const tokenHash = requiredTokenHash(call.metadata)
      await context.replica.read((chat) => {
        const session = liveSessionIn(chat, tokenHash)
        if (call.cancelled) return
        subscriptions.open(chat, session, call, request.afterSequence, request.follow)
        // To fetch once is a command of the user; to listen goes on without one.
        if (!request.follow) activity.note(session)
      })
    })
  }
}

/** Runs what opens a stream; if it fails, so does the call. */
function opening(
  context: ServiceContext,
  call: { emit(event: 'error', error: Error): boolean },
  open: () => Promise<void>,
): void {
  const attempt = async (): Promise<void> => {
    refuseIfStopped(context)
    await open()
  }
  attempt().catch((error: unknown) => {
    const failure = toFailure(error, context.onFault)
    context.onRefusal(failure.reason)
    call.emit('error', failure.toServiceError())
  })
}

import type { ChatErrorReason } from '@chatroom/transport-grpc/chat'
import { changePassword, createAccount, deleteAccount, listAccounts } from './accounts.ts'
import { Activity } from './activity.ts'
import { Admission } from './admission.ts'
import { endedSession } from './chat-replies.ts'
import { type ServiceContext, stopping } from './context.ts'
import { type ChatServiceDefinition, type ChatServiceHandlers, chatServiceDefinition } from './definition.ts'
import { startHousekeeping } from './housekeeping.ts'
import { leadershipLost } from './leadership.ts'
import { defaultLimits, type ServiceLimits } from './limits.ts'
import { LoginAttempts } from './login-attempts.ts'
import { acknowledge, sendMessage } from './mailboxes.ts'
import { OpenStreams } from './open-streams.ts'
import type { ChatReplica, Clock, Passwords, Random, ServiceTracing } from './ports.ts'
import { RetryTimetable } from './retry-timetable.ts'
import { login, logout } from './sessions.ts'
import { cutOffSlowReaders } from './slow-readers.ts'
import { sendMessagesHandler, subscribeHandler } from './streaming.ts'
import { Subscriptions } from './subscriptions.ts'
import { TokenBuckets } from './token-buckets.ts'
import { type Caller, unary } from './unary.ts'

export interface ChatServiceOptions {
  readonly replica: ChatReplica
  readonly passwords: Passwords
  readonly clock: Clock
  readonly random: Random
  readonly limits?: Partial<ServiceLimits>
  /** Told of every error that is a fault of the server and not of a caller; for the log. What it gets holds no password and no token. */
  readonly onFault: (error: unknown) => void
  /** Told why a call, or one message of a stream, was refused; for metrics. Default: nobody is told. */
  readonly onRefusal?: (reason: ChatErrorReason) => void
  /** Follows single messages and calls, for traces; the same should be the replica's. Default: nobody does. */
  readonly tracing?: ServiceTracing
  /** Breaks the connection that a call came over, by what its `getPeer()` says. Default: nothing happens, and what waits for a slow reader stays until it reads or leaves. */
  readonly disconnect?: (peer: string) => void
}

/** `chatroom.v1.ChatService` on one replica: `server.addService(service.definition, service.implementation)`. */
export interface ChatService {
  readonly definition: ChatServiceDefinition
  readonly implementation: ChatServiceHandlers
  /** What is open and under way now. */
  counts(): ChatServiceCounts
  /**
   * Refuses new calls with NOT_LEADER and ends open streams, each after the answers to what is under way. Calls under way go on. Twice is once.
   */
  stop(): void
}

export interface ChatServiceCounts {
  readonly subscriptions: number
  readonly sendStreams: number
  readonly requestsInFlight: number
  readonly bytesInFlight: number
}

/** Serves the chat from a replica. It serves only while the replica leads; elsewhere every call is told where the leader is. */
export function createChatService(options: ChatServiceOptions): ChatService {
  const limits = { ...defaultLimits, ...options.limits }
  const { replica } = options
  let stopped = false
  const now = (): number => options.clock.now()
  const context: ServiceContext = {
    ...options,
    onRefusal: options.onRefusal ?? (() => undefined),
    tracing: options.tracing ?? null,
    limits,
    admission: new Admission(limits),
    retries: new RetryTimetable(limits, now),
    attempts: new LoginAttempts(limits, now),
    sends: new TokenBuckets(
      {
        capacity: limits.sendsPerSecond,
        refillMs: 1_000 / Math.max(1, limits.sendsPerSecond),
        keys: limits.limiterKeys,
      },
      now,
    ),
    isStopped: () => stopped,
  }
  const activity = new Activity(context)
  const subscriptions = new Subscriptions(context)
  const sendStreams = new OpenStreams({
    perSession: limits.sendStreamsPerSession,
    total: limits.sendStreams,
    retryAfterMs: limits.retryAfterMs,
  })
  const streams = [subscriptions.streams, sendStreams]

  const stopObserving = replica.stateMachine.observe({
    messageArrived: (accountId) => subscriptions.messageArrived(accountId),
    // After the work at hand: what happens to a network stream must not reach into the application of an entry.
    sessionEnded: (sessionId, reason) =>
      options.clock.soon(() => {
        for (const open of streams) open.endSession(sessionId, endedSession(reason))
      }),
  })
  const stopListening = replica.on(() => {
    if (streams.every((open) => open.size === 0)) return
    const lost = leadershipLost(replica)
    if (lost === null) return
    // A replica that no longer leads may be behind without knowing it: it delivers nothing more.
    for (const open of streams) open.endAll(lost)
  })
  const stopHousekeeping = startHousekeeping(context)
  const stopCuttingOff = cutOffSlowReaders({
    streams,
    clock: options.clock,
    slowReaderMs: limits.slowReaderMs,
    disconnect: options.disconnect ?? (() => undefined),
  })

  const bound =
    <Request, Response>(
      handle: (context: ServiceContext, request: Request, caller: Caller) => Promise<Response>,
    ) =>
    (request: Request, caller: Caller): Promise<Response> =>
      handle(context, request, caller)

  return {
    definition: chatServiceDefinition,
    implementation: {
      createAccount: unary(context, 'createAccount', bound(createAccount)),
      deleteAccount: unary(context, 'deleteAccount', bound(deleteAccount)),
      changePassword: unary(context, 'changePassword', bound(changePassword)),
      listAccounts: unary(context, 'listAccounts', (request, caller) =>
        listAccounts(context, activity, request, caller),
      ),
      login: unary(context, 'login', bound(login)),
      logout: unary(context, 'logout', bound(logout)),
      sendMessage: unary(context, 'sendMessage', bound(sendMessage)),
      acknowledge: unary(context, 'acknowledge', bound(acknowledge)),
      sendMessages: sendMessagesHandler(context, sendStreams),
      subscribe: subscribeHandler(context, activity, subscriptions),
    },
    counts: () => ({
      subscriptions: subscriptions.streams.size,
      sendStreams: sendStreams.size,
      requestsInFlight: context.admission.counts.inFlight,
      bytesInFlight: context.admission.counts.bytes,
    }),
    stop: () => {
      if (stopped) return
      stopped = true
      stopHousekeeping()
      stopCuttingOff()
      stopListening()
      stopObserving()
      for (const open of streams) open.endAll(stopping())
    },
  }
}

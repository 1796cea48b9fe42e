import type { Tracer } from '@opentelemetry/api'
import { pauseBefore, retryBackoff } from './backoff.ts'
import { ChatError } from './error.ts'
import { type Failure, failureOfCall } from './failure.ts'
import { FollowedRequest } from './followed-request.ts'
import type { LeaderFinder } from './leader-finder.ts'
import { onAbort } from './on-abort.ts'
import { pause } from './pause.ts'
import type { Caller, Method } from './replica-channel.ts'
import { openScope, type Scope } from './scope.ts'
import type { Tenure } from './tenure.ts'

/** What every request of a client shares. */
export interface RequestParts {
  readonly finder: LeaderFinder
  /** Milliseconds of silence after which a leader is doubted. */
  readonly tryTimeoutMs: number
  /** Milliseconds for a request with all its tries. */
  readonly requestTimeoutMs: number
  /** Follows requests and messages. */
  readonly tracer: Tracer | null
}

/** One request, however many tries it takes. */
export interface RequestOptions {
  readonly token?: string | null
  /** Of a mutating request: its outcome can be unknown. */
  readonly requestId?: string
  readonly timeoutMs?: number
  /** Whatever ends the request early: the caller's signal, the end of the session, the end of the client. */
  readonly signals: readonly (AbortSignal | undefined)[]
}

/**
 * Sends one unary request to whoever leads until it is answered: the same request, with the same request id, over all tries.
 * @throws ChatError
 */
export async function request<Request, Response>(
  parts: RequestParts,
  method: Method<Request, Response>,
  message: Request,
  options: RequestOptions,
): Promise<Response> {
  const followed = parts.tracer === null ? null : FollowedRequest.begin(parts.tracer, method.path)
  if (followed === null) return await tryUntilAnswered(parts, method, message, options, null)
  try {
    const answer = await tryUntilAnswered(parts, method, message, options, followed)
    followed.end()
    return answer
  } catch (error) {
    followed.end(error instanceof ChatError ? error : null)
    throw error
  }
}

async function tryUntilAnswered<Request, Response>(
  parts: RequestParts,
  method: Method<Request, Response>,
  message: Request,
  options: RequestOptions,
  followed: FollowedRequest | null,
): Promise<Response> {
  const timeoutMs = options.timeoutMs ?? parts.requestTimeoutMs
  const scope = openScope(timeoutMs, options.signals)
  let last: Failure | null = null
  let uncertain = false
  try {
    for (let failures = 0; ; failures++) {
      const tenure = await parts.finder.leader(scope.signal)
      scope.signal.throwIfAborted()
      try {
        followed?.sent()
        const caller = { token: options.token ?? null, traceparent: followed?.traceparent ?? null }
        return await attempt(parts, tenure, method, message, caller, scope)
      } catch (error) {
        if (scope.signal.aborted) uncertain = true
        scope.signal.throwIfAborted()
        last = failureOfCall(error)
        if (last === null) throw error
        uncertain ||= last.kind !== 'refused' && !last.undone
        await settle(parts.finder, tenure, last, failures, scope.signal)
      }
    }
  } catch (error) {
    if (!scope.expired) throw error
    throw outOfTime(parts.finder, last, timeoutMs, uncertain ? (options.requestId ?? null) : null)
  } finally {
    scope.close()
  }
}

/** Does what a failed try asks for: throws the final no, or returns when the next try is due. */
export async function settle(
  finder: LeaderFinder,
  tenure: Tenure,
  failure: Failure,
  failures: number,
  signal: AbortSignal,
): Promise<void> {
  if (failure.kind === 'refused') throw failure.error
  if (failure.kind === 'lost') {
    finder.lost(tenure, failure.leader)
    // The search for the next leader has its own pauses. This one is for a leader that says it leads and then refuses.
    if (failures === 0) return
  } else finder.doubt(tenure, 0)
  const ms = pauseBefore(failures, retryBackoff, Math.random())
  const least = failure.kind === 'later' ? failure.afterMs : 0
  let forget: () => void = () => undefined
  await pause(Math.max(ms, least), signal, (end) => {
    // No reason to wait for a replica that leads no more; after `lost` that is past.
    if (failure.kind === 'later') forget = tenure.onEnd(end)
  })
  forget()
}

/**
 * What is known about a request whose time is over.
 * @param requestId null if it was surely not done, or changes nothing
 */
export function outOfTime(
  finder: LeaderFinder,
  last: Failure | null,
  timeoutMs: number,
  requestId: string | null,
): ChatError {
  const within = `within ${timeoutMs} ms`
  const why = last === null || last.kind === 'refused' ? '' : ` The last answer was: ${last.message}`
  if (requestId !== null) {
    const advice = 'It may have been done; try again with the same request id.'
    return new ChatError('outcome unknown', `No answer ${within}. ${advice}${why}`, { requestId })
  }
  if (last?.kind === 'later' && last.overloaded) {
    return new ChatError('overloaded', `The servers had too much to do ${within}. Try again later.`)
  }
  if (finder.answered || finder.address !== null) {
    return new ChatError(
      'no leader',
      `No replica could serve ${within}. Look at the status of the replicas.${why}`,
    )
  }
  return new ChatError('no server', `No replica could be reached ${within}. Are they running?${why}`)
}

async function attempt<Request, Response>(
  parts: RequestParts,
  tenure: Tenure,
  method: Method<Request, Response>,
  message: Request,
  caller: Caller,
  scope: Scope,
): Promise<Response> {
  const call = tenure.channel.unary(method, message, caller, scope.remainingMs())
  const leave = (): void => call.leave()
  const forgetTenure = tenure.onEnd(leave)
  const forgetSignal = onAbort(scope.signal, leave)
  const silence = setInterval(() => parts.finder.doubt(tenure, parts.tryTimeoutMs), parts.tryTimeoutMs)
  try {
    return await call.answer
  } finally {
    clearInterval(silence)
    forgetSignal()
    forgetTenure()
  }
}

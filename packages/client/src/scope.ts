import { ChatError } from './error.ts'
import { onAbort } from './on-abort.ts'

/** How long something may go on: until its time is over or any of several signals says stop. */
export interface Scope {
  /** Its reason is always a ChatError. */
  readonly signal: AbortSignal
  /** True if it ended because the time was over. */
  readonly expired: boolean
  /** Milliseconds, at least 1. */
  remainingMs(): number
  /** Counts the time anew from now; null: no limit. */
  limit(timeoutMs: number | null): void
  /** Forgets the timer and the signals. */
  close(): void
}

/**
 * Opens a scope. A signal's reason that is no ChatError becomes one with the code `aborted`.
 * @param timeoutMs milliseconds; null for no limit
 */
export function openScope(timeoutMs: number | null, signals: readonly (AbortSignal | undefined)[]): Scope {
  const controller = new AbortController()
  const sources = signals.filter((signal) => signal !== undefined)
  let endsAt = Number.POSITIVE_INFINITY
  let expired = false
  let timer: NodeJS.Timeout | undefined
  let forgets: readonly (() => void)[] = []

  const close = (): void => {
    clearTimeout(timer)
    for (const forget of forgets) forget()
  }
  const stop = (): void => {
    close()
    controller.abort(abortedBy(sources.find((signal) => signal.aborted)))
  }
  const expire = (): void => {
    close()
    expired = true
    controller.abort(new ChatError('outcome unknown', 'The time allowed is over.'))
  }
  const limit = (ms: number | null): void => {
    clearTimeout(timer)
    endsAt = ms === null ? Number.POSITIVE_INFINITY : performance.now() + ms
    if (ms !== null && !controller.signal.aborted) timer = setTimeout(expire, ms)
  }

  forgets = sources.map((signal) => onAbort(signal, stop))
  limit(timeoutMs)
  if (sources.some((signal) => signal.aborted)) stop()
  return {
    signal: controller.signal,
    get expired() {
      return expired
    },
    remainingMs: () => Math.max(1, endsAt - performance.now()),
    limit,
    close,
  }
}

/**
 * What a scope is for one of thousands of things at once: calls `end` when the time is over or the signal says stop, whichever is first. It has no signal of its
 * own: an `AbortController` with a listener takes longer than all else that is done for a message.
 * @param timeoutMs milliseconds
 * @returns a function that forgets both
 */
export function watchEnd(
  timeoutMs: number,
  signal: AbortSignal | undefined,
  end: (reason: ChatError | 'expired') => void,
): () => void {
  const timer = setTimeout(() => {
    forget()
    end('expired')
  }, timeoutMs)
  const forgetSignal =
    signal === undefined
      ? undefined
      : onAbort(signal, () => {
          forget()
          end(abortedBy(signal))
        })
  const forget = (): void => {
    clearTimeout(timer)
    forgetSignal?.()
  }
  return forget
}

/** The reason of a signal that is aborted, as a ChatError. */
export function abortedBy(signal: AbortSignal | undefined): ChatError {
  const reason: unknown = signal?.reason
  if (reason instanceof ChatError) return reason
  return new ChatError('aborted', 'The caller gave the request up; what was under way may still be done.', {
    cause: reason,
  })
}

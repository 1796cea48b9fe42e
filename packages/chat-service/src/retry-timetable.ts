import type { ServiceLimits } from './limits.ts'

type TimetableLimits = Pick<ServiceLimits, 'retryAfterMs' | 'retryAfterLongestMs' | 'retriesPerSecond'>

/**
 * When those who were refused for too much in flight are to come again: one after the other, the further away the fewer in a second, so that a burst is over soon and lasting overload does not
 * come again all the time. A refusal costs the replica nearly as much as a message; if all came again after the same short pause, refusing them would leave no time for the messages it has taken.
 */
export class RetryTimetable {
  readonly #limits: TimetableLimits
  readonly #now: () => number
  /** When the last one was told to come. */
  #last = 0

  constructor(limits: TimetableLimits, now: () => number) {
    this.#limits = limits
    this.#now = now
  }

  /** Takes the next place. Milliseconds from now. */
  next(): number {
    const { retryAfterMs, retryAfterLongestMs, retriesPerSecond } = this.#limits
    const now = this.#now()
    const secondsAway = Math.max(0, this.#last - now - retryAfterMs) / 1_000
    const free = Math.max(now + retryAfterMs, this.#last + (1_000 / retriesPerSecond) * (1 + secondsAway))
    this.#last = Math.min(free, now + Math.max(retryAfterMs, retryAfterLongestMs))
    return Math.ceil(this.#last - now)
  }
}

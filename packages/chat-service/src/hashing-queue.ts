import { ChatFailure } from './failure.ts'

interface Job {
  readonly run: () => void
  readonly drop: (reason: ChatFailure) => void
}

/** Lets a few slow computations run at once and a bounded number wait, first come first served; refuses the rest at once. */
export class HashingQueue {
  #running = 0
  readonly #waiting = new Set<Job>()
  readonly #atOnce: number
  readonly #mayWait: number
  readonly #retryAfterMs: number

  constructor(options: { atOnce: number; waiting: number; retryAfterMs: number }) {
    this.#atOnce = options.atOnce
    this.#mayWait = options.waiting
    this.#retryAfterMs = options.retryAfterMs
  }

  /** Computations that run or wait. */
  get length(): number {
    return this.#running + this.#waiting.size
  }

  /** Rejects with OVERLOADED if too many wait, and with OUTCOME_UNKNOWN if `signal` ends the wait: a caller that left gets no turn. */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (signal?.aborted === true) throw abandoned()
    if (this.#running < this.#atOnce) this.#running++
    else await this.#turn(signal)
    try {
      return await work()
    } finally {
      this.#next()
    }
  }

  async #turn(signal: AbortSignal | undefined): Promise<void> {
    if (this.#waiting.size >= this.#mayWait) {
      throw new ChatFailure(
        'OVERLOADED',
        'Too many logins and new accounts at once: try again in a moment.',
        {
          retryAfterMs: this.#retryAfterMs,
        },
      )
    }
    let leave = (): void => {}
    try {
      await new Promise<void>((resolve, reject) => {
        const job: Job = { run: resolve, drop: reject }
        leave = () => {
          if (this.#waiting.delete(job)) job.drop(abandoned())
        }
        this.#waiting.add(job)
        signal?.addEventListener('abort', leave, { once: true })
      })
    } finally {
      signal?.removeEventListener('abort', leave)
    }
  }

  /** Hands the place that became free to who waits longest. */
  #next(): void {
    const [job] = this.#waiting
    if (job === undefined) {
      this.#running--
      return
    }
    this.#waiting.delete(job)
    job.run()
  }
}

function abandoned(): ChatFailure {
  return new ChatFailure('OUTCOME_UNKNOWN', 'The caller left before its turn: nothing was done.')
}

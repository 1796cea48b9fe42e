import { ChatFailure } from './failure.ts'
import type { Asker } from './ports.ts'

interface Job {
  readonly run: () => void
  readonly drop: (reason: ChatFailure) => void
}

/** Somebody whom nothing tells from others. */
const anybody: Asker = { from: '', signal: null }

/**
 * Lets a few slow computations run at once and a bounded number wait; refuses the rest at once. Those who ask take turns, each with its own line, first come first
 * served: who asks for many waits for many, and the others do not. When no more may wait, the longest line gives up its end for whoever has a shorter one.
 */
export class HashingQueue {
  #running = 0
  #waiting = 0
  /** By who asks; whose turn comes next is first. */
  readonly #lines = new Map<string, Set<Job>>()
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
    return this.#running + this.#waiting
  }

  /** Rejects with OVERLOADED if too many wait, and with OUTCOME_UNKNOWN if the signal ends the wait: a caller that left gets no turn. */
  async run<T>(work: () => Promise<T>, { from, signal }: Asker = anybody): Promise<T> {
    if (signal?.aborted === true) throw abandoned()
    if (this.#running < this.#atOnce) this.#running++
    else await this.#turn(from, signal)
    try {
      return await work()
    } finally {
      this.#next()
    }
  }

  async #turn(from: string, signal: AbortSignal | null): Promise<void> {
    if (this.#waiting >= this.#mayWait) this.#makeRoom(from)
    let leave = (): void => {}
    try {
      await new Promise<void>((resolve, reject) => {
        const job: Job = { run: resolve, drop: reject }
        leave = () => {
          if (this.#remove(from, job)) job.drop(abandoned())
        }
        const line = this.#lines.get(from)
        if (line === undefined) this.#lines.set(from, new Set([job]))
        else line.add(job)
        this.#waiting++
        signal?.addEventListener('abort', leave, { once: true })
      })
    } finally {
      signal?.removeEventListener('abort', leave)
    }
  }

  /** Throws if nobody has a longer line than this one would be. */
  #makeRoom(from: string): void {
    const own = (this.#lines.get(from)?.size ?? 0) + 1
    let longest: { readonly from: string; readonly line: Set<Job> } | undefined
    for (const [other, line] of this.#lines)
      if (line.size > (longest?.line.size ?? own)) longest = { from: other, line }
    const last = longest === undefined ? undefined : [...longest.line].at(-1)
    if (longest === undefined || last === undefined) throw this.#tooMany()
    this.#remove(longest.from, last)
    last.drop(this.#tooMany())
  }

  #remove(from: string, job: Job): boolean {
    const line = this.#lines.get(from)
    if (line?.delete(job) !== true) return false
    this.#waiting--
    if (line.size === 0) this.#lines.delete(from)
    return true
  }

  /** Hands the place that became free to who waits longest of those whose turn it is. */
  #next(): void {
    const [first] = this.#lines
    const [job] = first?.[1] ?? []
    if (first === undefined || job === undefined) {
      this.#running--
      return
    }
    const [from, line] = first
    this.#remove(from, job)
    // To the end of the round.
    this.#lines.delete(from)
    if (line.size > 0) this.#lines.set(from, line)
    job.run()
  }

  #tooMany(): ChatFailure {
    return new ChatFailure('OVERLOADED', 'Too many logins and new accounts at once: try again in a moment.', {
      retryAfterMs: this.#retryAfterMs,
    })
  }
}

function abandoned(): ChatFailure {
  return new ChatFailure('OUTCOME_UNKNOWN', 'The caller left before its turn: nothing was done.')
}

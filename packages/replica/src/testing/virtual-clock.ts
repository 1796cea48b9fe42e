import type { Clock } from '../ports/clock.ts'

interface Task {
  readonly at: number
  readonly run: () => void
}

/** A clock that stands still until it is told to go on: what is due runs in the order of its time, then of its asking. */
export class VirtualClock implements Clock {
  #now = 0
  #tasks: Task[] = []
  #random: () => number

  /** `random`: 0 <= n < 1; default: always 0.5. */
  constructor(random: () => number = () => 0.5) {
    this.#random = random
  }

  now(): number {
    return this.#now
  }

  wallTime(): number {
    return this.#now
  }

  random(): number {
    return this.#random()
  }

  soon(run: () => void): void {
    this.after(0, run)
  }

  after(ms: number, run: () => void): () => void {
    const task = { at: this.#now + ms, run }
    // Behind everything that is due at the same time.
    const later = this.#tasks.findIndex(({ at }) => at > task.at)
    this.#tasks.splice(later === -1 ? this.#tasks.length : later, 0, task)
    return () => {
      this.#tasks = this.#tasks.filter((one) => one !== task)
    }
  }

  every(ms: number, run: () => void): () => void {
    let cancel = (): void => {}
    const again = (): void => {
      cancel = this.after(ms, again)
      run()
    }
    cancel = this.after(ms, again)
    return () => cancel()
  }

  /** Lets time pass: everything due within `ms` runs, what it asks for in that time included. `advance(0)` runs what is due now. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (let next = this.#tasks[0]; next !== undefined && next.at <= end; next = this.#tasks[0]) {
      this.#tasks.shift()
      this.#now = next.at
      next.run()
    }
    this.#now = end
  }
}

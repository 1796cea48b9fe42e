import type { Clock } from '../src/ports.ts'

/** A clock that a test moves by hand. */
export class ManualClock implements Clock {
  #now: number
  readonly #tasks = new Map<() => void, { readonly intervalMs: number; next: number }>()

  constructor(now = 1_700_000_000_000) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  every(intervalMs: number, task: () => void): () => void {
    this.#tasks.set(task, { intervalMs, next: this.#now + intervalMs })
    return () => this.#tasks.delete(task)
  }

  soon(task: () => void): void {
    setImmediate(task)
  }

  /** Timers that run. */
  get timers(): number {
    return this.#tasks.size
  }

  advance(ms: number): void {
    this.#now += ms
    for (const [task, timer] of this.#tasks) {
      if (timer.next > this.#now) continue
      timer.next = this.#now + timer.intervalMs
      task()
    }
  }
}

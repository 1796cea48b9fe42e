/** Time, randomness and turns of the event loop, so that a simulator can own them. */
export interface Clock {
  /** Monotonic milliseconds from any origin. */
  now(): number
  /** Milliseconds since 1970; may jump. */
  wallTime(): number
  /** 0 <= n < 1. */
  random(): number
  /** After the work of this turn of the event loop. */
  soon(run: () => void): void
  /** Once, unless the returned function is called before. */
  after(ms: number, run: () => void): () => void
  /** Again and again until the returned function is called. */
  every(ms: number, run: () => void): () => void
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  random: () => Math.random(),
  soon: (run) => void setImmediate(run),
  after(ms, run) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
  every(ms, run) {
    const timer = setInterval(run, ms)
    return () => clearInterval(timer)
  },
}

import type { Clock } from './ports.ts'

/** The clock and the timers of this process. */
export const systemClock: Clock = {
  now: () => Date.now(),
  every: (intervalMs, task) => {
    const timer = setInterval(task, intervalMs)
    timer.unref()
    return () => clearInterval(timer)
  },
  soon: (task) => void setImmediate(task),
}

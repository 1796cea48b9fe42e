import type { Clock } from '@chatroom/replica'
import type { Random } from '../kernel/random.ts'
import type { Timeline } from '../kernel/timeline.ts'
import type { VirtualProcess } from './virtual-process.ts'

/** 2026-01-01, so that times look like times. */
const EPOCH_MS = 1_767_225_600_000

/** The clock of a host: it runs a little fast or slow, and its wall time may jump. */
export class HostClock {
  /** Seconds of this clock per second. */
  readonly rate: number
  /** Added to the wall time. */
  wallOffsetMs = 0
  readonly #timeline: Timeline

  constructor(timeline: Timeline, rate: number) {
    this.#timeline = timeline
    this.rate = rate
  }

  now(): number {
    return this.#timeline.now * this.rate
  }

  wallTime(): number {
    return Math.floor(EPOCH_MS + this.#timeline.now + this.wallOffsetMs)
  }
}

/** The replica's `Clock` port, for one process. */
export function processClock(
  process: VirtualProcess,
  timeline: Timeline,
  host: HostClock,
  random: Random,
): Clock {
  const after = (ms: number, run: () => void): (() => void) => {
    let cancelled = false
    const fire = (): void => {
      if (!cancelled) run()
    }
    const timer = timeline.after(ms / host.rate, () => process.fire(fire))
    return () => {
      cancelled = true
      timeline.cancel(timer)
    }
  }
  return {
    now: () => host.now(),
    wallTime: () => host.wallTime(),
    random: () => random.next(),
    soon: (run) => void timeline.after(0, () => process.deliver(run)),
    after,
    every(ms, run) {
      let stop = (): void => undefined
      let stopped = false
      const again = (): void => {
        stop = after(ms, () => {
          run()
          if (!stopped) again()
        })
      }
      again()
      return () => {
        stopped = true
        stop()
      }
    },
  }
}

import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Clock } from '../ports/clock.ts'

/** A clock, and how a test lets time pass on it. */
export interface ClockSubject {
  readonly clock: Clock
  /** Resolves when so many milliseconds have passed on it and what was due has run. */
  readonly pass: (ms: number) => Promise<void>
}

/** One promise of the Clock port. */
export interface ClockCase {
  readonly name: string
  /** Rejects with an `AssertionError`. */
  readonly run: (subject: ClockSubject) => Promise<void>
}

/** What every clock has to do. Give each case a clock of its own, or one on which nothing else waits. No case looks at how late something is. */
export const clockAcceptance: readonly ClockCase[] = [
  {
    name: 'time goes on and never back',
    async run({ clock, pass }) {
      const before = clock.now()
      for (let last = before, i = 0; i < 1_000; i++) {
        const now = clock.now()
        ok(now >= last, `now() went back from ${last} to ${now}`)
        last = now
      }
      await pass(5)
      ok(clock.now() - before >= 4, `5 ms passed, and now() went from ${before} to ${clock.now()}`)
    },
  },
  {
    name: 'the wall clock is in milliseconds',
    async run({ clock, pass }) {
      ok(Number.isFinite(clock.wallTime()) && clock.wallTime() >= 0, `wallTime() is ${clock.wallTime()}`)
      const before = clock.wallTime()
      await pass(20)
      const passed = clock.wallTime() - before
      ok(passed >= 15 && passed < 15_000, `20 ms passed, and wallTime() went on by ${passed}`)
    },
  },
  {
    name: 'random numbers are from 0 up to, and without, 1',
    async run({ clock }) {
      for (let i = 0; i < 1_000; i++) {
        const number = clock.random()
        ok(number >= 0 && number < 1, `random() gave ${number}`)
      }
    },
  },
  {
    name: 'soon is after this turn, in the order of the calls',
    async run({ clock, pass }) {
      const ran: number[] = []
      for (const i of [1, 2, 3]) clock.soon(() => ran.push(i))
      deepEqual(ran, [], 'soon() ran at once')
      await pass(5)
      deepEqual(ran, [1, 2, 3])
    },
  },
  {
    name: 'what promises have to do comes before soon',
    async run({ clock, pass }) {
      const ran: string[] = []
      clock.soon(() => ran.push('soon'))
      await Promise.resolve().then(() => ran.push('promise'))
      await pass(5)
      deepEqual(ran, ['promise', 'soon'])
    },
  },
  {
    name: 'after runs once, not before its time, the shorter wait first',
    async run({ clock, pass }) {
      const ran: string[] = []
      const began = clock.now()
      let at = 0
      clock.after(40, () => {
        ran.push('later')
        at = clock.now()
      })
      clock.after(1, () => ran.push('sooner'))
      deepEqual(ran, [], 'after() ran at once')
      await pass(60)
      await pass(60)
      deepEqual(ran, ['sooner', 'later'])
      ok(at - began >= 39, `after(40) ran after ${at - began} ms`)
    },
  },
  {
    name: 'after does not run when it was cancelled, and cancelling late is harmless',
    async run({ clock, pass }) {
      let ran = 0
      const cancel = clock.after(10, () => ran++)
      const late = clock.after(1, () => ran++)
      cancel()
      await pass(40)
      late()
      cancel()
      await pass(40)
      equal(ran, 1)
    },
  },
  {
    name: 'every runs again and again until it is stopped, also from within',
    async run({ clock, pass }) {
      let [ran, own] = [0, 0]
      const stop = clock.every(5, () => ran++)
      const stopOwn = clock.every(5, () => {
        own++
        stopOwn()
      })
      for (let i = 0; i < 100 && ran < 3; i++) await pass(10)
      ok(ran >= 3, `every(5) ran ${ran} times`)
      stop()
      const before = ran
      await pass(30)
      equal(ran, before, 'every() went on after it was stopped')
      equal(own, 1, 'every() went on after it was stopped from within')
    },
  },
]

import type { processFaults } from './fault.ts'
import type { Injector } from './stage.ts'

/** What an operating system and its users do to a process. */
export const processTrouble: Record<(typeof processFaults)[number], Injector> = {
  crash({ replica, ms }, { program }, { hold }) {
    hold(replica, ms)
    program?.process.kill('crash')
  },

  'crash between effects'({ replica, ms, amount }, { program }, { hold, timeline }) {
    hold(replica, ms)
    program?.process.dieAfterEffects(Math.floor(amount * 30))
    // It may have nothing to do.
    timeline.after(Math.min(ms, 500), () => program?.process.kill('crash'))
  },

  'crash of all'({ ms }, _host, { stage, hold, random }) {
    for (const { id, program } of stage.hosts) {
      hold(id, ms * random.between(0.1, 2))
      program?.process.kill('crash of all')
    }
  },

  pause({ ms }, { program }, { until, random }) {
    const timersFirst = random.chance(0.5)
    program?.process.pause()
    until(ms, () => program?.process.resume(timersFirst))
  },

  // The event loop stands still for about as long as the replica takes notice of.
  stall({ amount }, { program }, { until, random }) {
    const timersFirst = random.chance(0.5)
    program?.process.pause()
    until(50 + amount * 900, () => program?.process.resume(timersFirst))
  },

  // Five minutes at most, forth and back: less than replies are remembered.
  'clock jump'({ amount }, { clock }) {
    clock.wallOffsetMs = (amount - 0.5) * 600_000
  },
}

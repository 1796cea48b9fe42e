import type { processFaults } from './fault.ts'
import type { Injector } from './stage.ts'

/** By the names that `kindOfMessage` gives them. */
const decisiveMessages = [
  'grants vote',
  'grants pre-vote',
  'asks for votes',
  'asks for votes of recovery',
  'sends a view',
  'sends entries',
  'accepts entries',
  'gives its log',
  'adopts a log',
  'sends snapshot',
  'has snapshot',
  'hands over',
] as const

/** What an operating system and its users do to a process. */
export const processTrouble: Record<(typeof processFaults)[number], Injector> = {
  crash({ ms }, { id, program }, { downFor }) {
    downFor(id, ms)
    program?.process.kill('crash')
  },

  'crash between effects'({ ms, amount }, { id, program }, { downFor, timeline }) {
    downFor(id, ms)
    program?.process.dieAfterEffects(Math.floor(amount * 30))
    // It may have nothing to do.
    timeline.after(500, () => program?.process.kill('crash'))
  },

  // Rare messages are as likely as frequent ones, and what hangs on them is what goes wrong.
  'crash after a message'({ ms, amount }, { id, program }, { downFor, timeline, random }) {
    downFor(id, random.chance(0.5) ? random.between(0, 20) : ms)
    program?.process.dieAfterSending(decisiveMessages[Math.floor(amount * decisiveMessages.length)] ?? '')
    timeline.after(2_000, () => program?.process.dieAfterSending(''))
  },

  // Who forgets what it has just promised is found out by whoever asks next, if it is back by then.
  'crash of all who say it'({ amount }, _host, { stage, downFor, timeline, random }) {
    const message = decisiveMessages[Math.floor(amount * decisiveMessages.length)] ?? ''
    for (const { id, program } of stage.hosts) {
      downFor(id, random.between(0, 20))
      program?.process.dieAfterSending(message)
      timeline.after(2_000, () => program?.process.dieAfterSending(''))
    }
  },

  // Raft's Figure 8 is made of leaders that die young.
  'crash of new leaders'({ ms, amount }, _host, { stage, until, downFor, random }) {
    stage.newLeadersDieAfter = Math.floor(amount * amount * 20)
    if (random.chance(0.5)) for (const { id } of stage.hosts) downFor(id, random.between(0, 20))
    until(Math.max(ms, 1_000), () => {
      stage.newLeadersDieAfter = null
    })
  },

  'crash of all'({ ms }, _host, { stage, downFor, random }) {
    for (const { id, program } of stage.hosts) {
      downFor(id, ms * random.between(0.1, 2))
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

  // Two minutes at most, forth and back: less than replies are remembered.
  'clock jump'({ amount }, { clock }) {
    clock.wallOffsetMs = (amount - 0.5) * 240_000
  },
}

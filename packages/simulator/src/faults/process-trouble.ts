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

  // A view that all have and nobody knows to be in force; entries behind it that only some have.
  'crash with a view under way'({ ms, amount }, host, { stage, until, downFor, timeline, random }) {
    const { id, program } = stage.hosts.find((each) => each.id === stage.leader()) ?? host
    const slow = random.pick(stage.hosts.filter((other) => other.id !== id))
    if (slow !== undefined) until(2_000, stage.network.slow(id, slow.id, 1 + amount * 10))
    downFor(id, ms)
    program?.process.dieAfterSending('sends a view', random.between(0.1, 30))
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

  // Who comes back alone must not go on alone: any of them, in any order, while the others stay away.
  'restart of some'({ ms }, _host, { stage, downFor, random }) {
    const order = random.shuffled(stage.hosts)
    const away = 1 + random.below(order.length - 1)
    for (const [place, { id, program }] of order.entries()) {
      downFor(id, place < away ? 500 + ms : random.between(0, 30))
      program?.process.kill('crash of all')
    }
  },

  // What a leader wrote and nobody has is on its disk; what the next one wrote is on the others'; then all come back at once.
  'crash of all under a new leader'({ ms, amount }, host, { stage, until, downFor, timeline, random }) {
    const first = stage.hosts.find(({ id }) => id === stage.leader()) ?? host
    for (const { id } of stage.hosts) if (id !== first.id) until(100, stage.network.slow(first.id, id, 100))
    timeline.after(random.between(5, 60), () => {
      downFor(first.id, ms + 1_000)
      first.program?.process.kill('crash')
    })
    const again = (): void => {
      stage.onElection = null
      for (const { id, program } of stage.hosts) {
        program?.process.kill('crash of all')
        timeline.after(random.between(0, 10), () => stage.start(id))
      }
    }
    timeline.after(60, () => {
      stage.onElection = () => timeline.after(amount * amount * 200, again)
    })
    until(2_000, () => {
      stage.onElection = null
    })
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

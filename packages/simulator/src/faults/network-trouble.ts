import type { networkFaults } from './fault.ts'
import type { Injector } from './stage.ts'

/** What networks do. Loss, duplication and reordering of messages are what breaking links makes of a transport that keeps the order per link. */
export const networkTrouble: Record<(typeof networkFaults)[number], Injector> = {
  'broken link'({ other }, { id }, { stage }) {
    stage.network.breakLink(id, other)
  },

  'cut path'({ other, ms }, { id }, { stage, until }) {
    until(ms, stage.network.cut(id, other))
    until(ms, stage.network.cut(other, id))
  },

  'one-way cut'({ other, ms }, { id }, { stage, until }) {
    until(ms, stage.network.cut(id, other))
  },

  isolation({ ms }, { id }, { stage, until }) {
    for (const { id: other } of stage.hosts) {
      if (other === id) continue
      until(ms, stage.network.cut(id, other))
      until(ms, stage.network.cut(other, id))
    }
  },

  // Two halves that see each other only through one replica, which both want for their leader.
  bridge({ ms }, { id }, { stage, until, random }) {
    const others = random.shuffled(stage.hosts.filter((host) => host.id !== id))
    const half = Math.ceil(others.length / 2)
    for (const { id: here } of others.slice(0, half)) {
      for (const { id: there } of others.slice(half)) {
        until(ms, stage.network.cut(here, there))
        until(ms, stage.network.cut(there, here))
      }
    }
  },

  'slow path'({ other, ms, amount }, { id }, { stage, until }) {
    until(ms, stage.network.slow(id, other, 2 + amount * 200))
  },
}

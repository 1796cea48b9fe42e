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

  'slow path'({ other, ms, amount }, { id }, { stage, until }) {
    until(ms, stage.network.slow(id, other, 2 + amount * 200))
  },
}

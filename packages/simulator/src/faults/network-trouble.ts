import type { networkFaults } from './fault.ts'
import type { Injector } from './stage.ts'

/** What networks do. Loss, duplication and reordering of messages are what breaking links makes of a transport that keeps the order per link. */
export const networkTrouble: Record<(typeof networkFaults)[number], Injector> = {
  'broken link'({ replica, other }, _host, { stage }) {
    stage.network.breakLink(replica, other)
  },

  'cut path'({ replica, other, ms }, _host, { stage, until }) {
    until(ms, stage.network.cut(replica, other))
    until(ms, stage.network.cut(other, replica))
  },

  'one-way cut'({ replica, other, ms }, _host, { stage, until }) {
    until(ms, stage.network.cut(replica, other))
  },

  isolation({ replica, ms }, _host, { stage, until }) {
    for (const { id } of stage.hosts) {
      if (id === replica) continue
      until(ms, stage.network.cut(replica, id))
      until(ms, stage.network.cut(id, replica))
    }
  },

  'slow path'({ replica, other, ms, amount }, _host, { stage, until }) {
    until(ms, stage.network.slow(replica, other, 2 + amount * 200))
  },
}

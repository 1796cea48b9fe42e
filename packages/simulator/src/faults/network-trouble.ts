import type { ReplicaId } from '@chatroom/election'
import type { networkFaults } from './fault.ts'
import type { Injector, Stage } from './stage.ts'

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
    for (const undo of isolate(stage, id)) until(ms, undo)
  },

  // For as long as it takes to elect another: who asks the old one meanwhile hears of old times.
  'isolated leader'({ amount }, _host, { stage, until }) {
    const leader = stage.leader()
    if (leader === null) return
    for (const undo of isolate(stage, leader)) until(500 + amount * 2_000, undo)
  },

  // A leader is heard and hears late, and then it is not heard any more: what it takes for news is old. It may just have asked another to take over.
  'late answers'({ amount }, _host, { stage, until, timeline, random }) {
    const leader = stage.leader()
    if (leader === null) return
    const ms = 1_500 + amount * 1_500
    if (random.chance(0.5)) stage.askLeader((asked) => asked.transferLeadership())
    for (const { id } of stage.hosts) {
      if (id === leader) continue
      until(ms, stage.network.slow(id, leader, 3_000))
      timeline.after(20 + amount * 80, () => until(ms, stage.network.cut(leader, id)))
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

function isolate({ hosts, network }: Stage, id: ReplicaId): (() => void)[] {
  return hosts.flatMap(({ id: other }) =>
    other === id ? [] : [network.cut(id, other), network.cut(other, id)],
  )
}

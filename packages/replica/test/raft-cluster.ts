import type { ReplicaId } from '@chatroom/election'
import { CoreCluster } from './core-cluster.ts'

/** A majority cluster that has a leader. */
export function running(count = 3): CoreCluster {
  const ids = Array.from({ length: count }, (_, id) => id)
  const cluster = new CoreCluster('majority', ids)
  cluster.start(...ids)
  cluster.pass(1_500)
  return cluster
}

export function leaderOf(cluster: CoreCluster): ReplicaId {
  const [leader, ...others] = cluster.leaders()
  if (leader === undefined || others.length > 0) throw new Error(`leaders: ${cluster.leaders().join(', ')}`)
  return leader
}

/** Cuts a replica off from all others, both ways; nobody notices but by silence. */
export function isolate(cluster: CoreCluster, ...ids: ReplicaId[]): void {
  for (const id of ids) {
    for (const other of cluster.nodes.keys()) {
      cluster.cut.add(`${id}>${other}`)
      cluster.cut.add(`${other}>${id}`)
    }
  }
}

/** Tickets of the reads that were answered. */
export function reads(cluster: CoreCluster): number[] {
  return cluster.effects.flatMap(({ effect }) => (effect.type === 'readReady' ? [effect.ticket] : []))
}

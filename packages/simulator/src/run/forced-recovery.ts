import type { ReplicaId } from '@chatroom/election'
import { type StateMachine, StrandedReplica } from '@chatroom/replica'
import type { Position } from '@chatroom/replication-log'
import type { Cluster, Host } from '../world/cluster.ts'

/** What the operator did. */
export interface ForcedRecovery {
  readonly founder: ReplicaId
  /** Where its log ended: everything up to there is in the new cluster. */
  readonly last: Position
}

/**
 * What an operator does when disks are lost and those that are left have to wait for them for ever (fail-stop, rule 6): stops everybody, founds a new cluster on the
 * disk with the most up-to-date log, and puts empty disks into all others. Null: nobody's data can be opened, or there never was a cluster.
 */
export async function forceRecovery<Command, Reply, Machine extends StateMachine<Command, Reply>>(
  cluster: Cluster<Command, Reply, Machine>,
): Promise<ForcedRecovery | null> {
  const stranded: { readonly host: Host<Command, Reply, Machine>; readonly data: StrandedReplica }[] = []
  for (const host of cluster.hosts) {
    host.program?.process.kill('stopped by the operator')
    try {
      stranded.push({ host, data: await StrandedReplica.open(host.disk.openForOperator()) })
    } catch {
      // Damaged: the operator goes by the others.
    }
  }
  const [first, ...others] = stranded.filter(({ data }) => data.isOfFailStop)
  if (first === undefined) return null
  const best = others.reduce(
    (found, other) => (isLater(other.data.last, found.data.last) ? other : found),
    first,
  )
  await best.data.foundCluster('recovered', cluster.unheard())
  for (const { data } of stranded) await data.close()
  for (const host of cluster.hosts) if (host !== best.host) host.disk.replace()
  return { founder: best.host.id, last: best.data.last }
}

function isLater(a: Position, b: Position): boolean {
  return a.term > b.term || (a.term === b.term && a.index > b.index)
}

import type { ReplicaId } from '@chatroom/election'
import { type StateMachine, StrandedReplica } from '@chatroom/replica'
import type { Position } from '@chatroom/replication-log'
import { TermLog } from '../invariants/term-log.ts'
import type { Cluster, Host } from '../world/cluster.ts'

/** What the operator did. */
export interface ForcedRecovery {
  readonly founder: ReplicaId
  /** Where its log ended: everything up to there is in the new cluster. */
  readonly last: Position
  /** What its log had. */
  readonly log: TermLog
}

interface Stranded<Command, Reply, Machine extends StateMachine<Command, Reply>> {
  readonly host: Host<Command, Reply, Machine>
  readonly data: StrandedReplica
  readonly log: TermLog
}

/**
 * What an operator does when disks are lost and those that are left have to wait for them for ever (fail-stop, rule 6): stops everybody, founds a new cluster on the
 * disk with the most up-to-date log, and puts empty disks into all others. `without`: whose disk is the one that is lost. Null: nobody's data can be opened, or
 * there never was a cluster; then nothing was changed but that everybody was stopped.
 */
export async function forceRecovery<Command, Reply, Machine extends StateMachine<Command, Reply>>(
  cluster: Cluster<Command, Reply, Machine>,
  clusterId: string,
  without: ReplicaId | null,
): Promise<ForcedRecovery | null> {
  const stranded: Stranded<Command, Reply, Machine>[] = []
  for (const host of cluster.hosts) {
    host.program?.process.kill('stopped by the operator')
    if (host.id === without) continue
    try {
      stranded.push(await open(host))
    } catch {
      // Damaged: the operator goes by the others.
    }
  }
  const [first, ...others] = stranded.filter(({ data }) => data.isOfFailStop)
  if (first !== undefined) {
    const best = others.reduce(
      (found, other) => (isLater(other.data.last, found.data.last) ? other : found),
      first,
    )
    await best.data.foundCluster(clusterId, cluster.unheard())
    for (const { data } of stranded) await data.close()
    for (const host of cluster.hosts) if (host !== best.host) host.disk.replace()
    return { founder: best.host.id, last: best.data.last, log: best.log }
  }
  for (const { data } of stranded) await data.close()
  return null
}

async function open<Command, Reply, Machine extends StateMachine<Command, Reply>>(
  host: Host<Command, Reply, Machine>,
): Promise<Stranded<Command, Reply, Machine>> {
  const storage = host.disk.openForOperator()
  const log = TermLog.of(await storage.open({ tailBytes: 0 }))
  await storage.close()
  return { host, log, data: await StrandedReplica.open(host.disk.openForOperator()) }
}

function isLater(a: Position, b: Position): boolean {
  return a.term > b.term || (a.term === b.term && a.index > b.index)
}

import { type Address, addressOf } from './address.ts'
import type { Cluster, ClusterMember } from './cluster.ts'
import { ConfigurationError } from './error.ts'
import * as options from './options.ts'
import type { Settings } from './settings.ts'

/** The options that `metricsAddress` needs a program to declare. */
export const metricsOptions: readonly (typeof options.fileOptions)[number][] = [
  options.metricsPort,
  options.metricsHost,
]

/**
 * Where a replica shows its metrics and its health, or null if nowhere. The first replica of a host takes `--metrics-port`, the next one the port after it: on
 * several hosts all may have the same.
 * @throws ConfigurationError if the port is taken by something else of the cluster.
 */
export function metricsAddress(settings: Settings, cluster: Cluster, member: ClusterMember): Address | null {
  const first = settings.get(options.metricsPort)
  if (first === null) return null
  const { name } = settings.source(options.metricsPort)
  const { host } = member.peerAddress
  const neighbours = cluster.members.filter(({ peerAddress }) => peerAddress.host === host)
  const last = first + neighbours.length - 1
  if (last > 65535) {
    throw new ConfigurationError(
      'conflict',
      `${name}: ${neighbours.length} replicas would use the ports ${first} to ${last}; the first may be ${65535 - neighbours.length + 1} at most.`,
    )
  }
  for (const [at, { id }] of neighbours.entries()) {
    const port = first + at
    // Whatever host it listens on: 0.0.0.0 overlaps with all of them.
    const other = neighbours.find(
      ({ clientAddress, peerAddress }) => clientAddress.port === port || peerAddress.port === port,
    )
    if (other === undefined) continue
    throw new ConfigurationError(
      'conflict',
      `${name}: ${port} would be replica ${id}'s port for metrics and is replica ${other.id}'s for ` +
        `${other.clientAddress.port === port ? 'clients' : 'its peers'}; choose ports that differ.`,
    )
  }
  return addressOf(settings.get(options.metricsHost), first + neighbours.indexOf(member))
}

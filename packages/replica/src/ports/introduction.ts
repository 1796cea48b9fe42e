import type { ReplicaId } from '@chatroom/election'
import type { Hello } from './transport.ts'

/**
 * Whether two ends of a new link may talk. Every transport asks this on both sides and for the same pair gets the same answer, so that neither
 * believes in a link which the other refused.
 *
 * @param own What this replica says of itself.
 * @param expected The replica that was dialled, or that the caller says it is.
 * @param other What the other end says of itself.
 * @returns null, or a sentence that names both values and what to do.
 */
export function introductionFault(own: Hello, expected: ReplicaId, other: Hello): string | null {
  if (other.member.id === own.member.id) {
    return `Two processes say that they are replica ${own.member.id}: give each replica an id of its own.`
  }
  if (other.member.id !== expected) {
    return `Replica ${expected} was expected and replica ${other.member.id} answered: the addresses of the two are mixed up in the configuration.`
  }
  const names = `replica ${own.member.id} and replica ${other.member.id}`
  if (own.protocol !== other.protocol) {
    return `${names}: protocol ${own.protocol} here and ${other.protocol} there: install versions that speak the same protocol.`
  }
  if (own.mode !== other.mode) {
    return `${names}: mode ${own.mode} here and ${other.mode} there: start all replicas in the same mode.`
  }
  if (own.clusterId !== '' && other.clusterId !== '' && own.clusterId !== other.clusterId) {
    return `${names}: cluster ${own.clusterId} here and cluster ${other.clusterId} there: one of the two has the data directory of another cluster.`
  }
  return null
}

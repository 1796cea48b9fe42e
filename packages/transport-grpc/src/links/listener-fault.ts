import type { ReplicaId } from '@chatroom/election'
import { covers, formatAddress, isLoopback, type PeerAddress } from '../address.ts'

/**
 * A listener that is bound elsewhere than where it is dialled makes a refusal worthless, and on loopback a refusal counts as a death: such a link is not
 * opened at all.
 */
export function listenerFault(peer: ReplicaId, bound: PeerAddress, dialled: PeerAddress): string | null {
  if (!isLoopback(dialled.host) || covers(bound, dialled)) return null
  return `Replica ${peer} listens on ${formatAddress(bound)} and is configured here as ${formatAddress(dialled)}: make the two equal.`
}

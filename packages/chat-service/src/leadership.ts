import { ReplicaError } from '@chatroom/replica'
import { ChatFailure } from './failure.ts'
import type { ChatReplica, Leadership } from './ports.ts'

/** Whether the replica leads, and who does instead; null while it does not run. */
export function leadershipOf(replica: ChatReplica): Leadership | null {
  try {
    return replica.status()
  } catch (error) {
    if (error instanceof ReplicaError) return null
    throw error
  }
}

/** What open streams are told if this replica does not lead any more; null if it does. */
export function leadershipLost(replica: ChatReplica): ChatFailure | null {
  const now = leadershipOf(replica)
  if (now?.serving === true) return null
  const leader = leaderElsewhere(now)
  return new ChatFailure('NOT_LEADER', 'This replica does not lead any more: try the leader.', { leader })
}

function leaderElsewhere(now: Leadership | null): { address: string; term: number } | null {
  if (now === null || now.leader === null || now.leader === now.id) return null
  return now.leaderAddress === null || now.leaderAddress === ''
    ? null
    : { address: now.leaderAddress, term: now.term }
}

import { clusterStatus } from './cluster-status.ts'
import type { ReplicaClient } from './replica-client.ts'

/** Where the leader can be asked; null if nobody leads. */
export async function leaderAddress(
  client: Pick<ReplicaClient, 'status'>,
  addresses: readonly string[],
): Promise<string | null> {
  const { leader } = await clusterStatus(client, addresses)
  return (leader === null ? undefined : addresses[leader]) ?? null
}

export const nobodyLeads =
  'Nobody leads, so nobody can be asked; "chatctl status" says what replicas wait for.\n'

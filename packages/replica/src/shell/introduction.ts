import { neededVersion } from '../core/machine-version.ts'
import type { Core } from '../core/state.ts'
import type { LeaderHint } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Hello } from '../ports/transport.ts'

/** Version of what replicas say to each other. */
export const PROTOCOL_VERSION = 1

/** What a replica says of itself before all else. `own`: what its process knows. */
export function helloOf(core: Core, own: Pick<Hello, 'pid' | 'processStart'> & Partial<Hello>): Hello {
  return {
    member: core.self,
    clusterId: core.clusterId,
    mode: core.mode.name,
    protocol: PROTOCOL_VERSION,
    machineVersion: core.machineVersion,
    neededVersion: neededVersion(core),
    clientAddress: '',
    ...own,
  }
}

/** Where to find the leader, if one is known. */
export function leaderHint(core: Core, ownAddress: string | undefined): LeaderHint | null {
  if (core.leader === null) return null
  const own = core.leader.id === core.self.id ? ownAddress : undefined
  return {
    id: core.leader.id,
    address: own ?? core.peers.get(core.leader.id)?.hello?.clientAddress ?? '',
    term: core.term,
  }
}

/** 128 random bits in base 36 or so: the name of a new cluster. */
export function newClusterId(clock: Clock): string {
  let text = ''
  while (text.length < 24)
    text += Math.floor(clock.random() * 36 ** 6)
      .toString(36)
      .padStart(6, '0')
  return text
}

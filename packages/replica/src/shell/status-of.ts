import type { ReplicaId } from '@chatroom/election'
import { crashesTolerated, explainWaiting, roleOf } from '../core/explain.ts'
import { hasLeft } from '../core/leaving.ts'
import { neededVersion } from '../core/machine-version.ts'
import { type Core, currentView, isServing, viewInForce } from '../core/state.ts'
import type { LeaderHint } from '../errors.ts'
import type { PeerStatus, ReplicaStatus } from '../status.ts'

/** What the core says of itself, and what only the shell knows. */
export function statusOf(
  core: Core,
  own: Pick<ReplicaStatus, 'pid' | 'slowestMember'> & { readonly leader: LeaderHint | null },
): ReplicaStatus {
  return {
    id: core.self.id,
    pid: own.pid,
    disk: core.self.disk,
    incarnation: core.self.incarnation,
    clusterId: core.clusterId,
    mode: core.mode.name,
    role: roleOf(core),
    machineVersion: core.machineVersion,
    commonVersion: neededVersion(core),
    term: core.term,
    leader: core.leader?.id ?? null,
    leaderAddress: own.leader?.address ?? null,
    serving: isServing(core),
    view: currentView(core),
    viewInForce: viewInForce(core),
    admitted: core.admitted && !hasLeft(core),
    commitIndex: core.commitIndex,
    appliedIndex: core.appliedIndex,
    lastIndex: core.log.last.index,
    snapshotIndex: core.snapshot?.index ?? 0,
    crashesTolerated: crashesTolerated(core),
    waiting: explainWaiting(core),
    slowestMember: own.slowestMember,
    peers: Array.from(core.peers.keys(), (id) => peerStatus(core, id)),
  }
}

function peerStatus(core: Core, id: ReplicaId): PeerStatus {
  const peer = core.peers.get(id)
  const progress = core.lead?.progress.get(id)
  const named = currentView(core).members.find((member) => member.id === id)
  return {
    id,
    address: peer?.hello?.clientAddress ?? '',
    connected: peer?.connected ?? false,
    member: peer?.member ?? null,
    inView: named !== undefined,
    provenDead: named !== undefined && core.deaths.isDead(named),
    progress: progress?.state ?? null,
    matchIndex: progress?.match ?? null,
    silentMs: peer?.heardEver ? core.now - peer.heardAt : null,
  }
}

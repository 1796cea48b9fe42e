import { names, sameMember } from '@chatroom/election'
import { maybeStand, tickCampaign } from './campaign.ts'
import { presenceOf } from './follower.ts'
import { reviewView } from './membership.ts'
import type { Outbox } from './outbox.ts'
import { sendHeartbeats } from './replicate.ts'
import { becomeFollower, loseLeader } from './role.ts'
import { type Core, currentView, rankInView } from './state.ts'
import { tickTransfer } from './transfer.ts'

/** Presence of a replica that follows a leader is only for what its peers cannot know otherwise: one in so many heartbeats. */
const QUIET_PRESENCE = 10

export function onTick(core: Core, out: Outbox): void {
  if (core.role === 'leader') {
    if (core.now - (core.lead?.roundAt ?? 0) >= core.limits.heartbeatMs) sendHeartbeats(core, out)
    checkQuorum(core, out)
    reviewView(core, out)
    tickTransfer(core, out)
  } else {
    sendPresence(core, out)
    bearSilence(core, out)
    if (core.role === 'candidate') tickCampaign(core, out)
    else maybeStand(core, out)
  }
  fenceTheSilent(core, out)
  trimLog(core)
}

/** Of what is applied here, entries stay in memory for those that lack them, and a few besides: those that stay for long are what the collector of garbage has most work with. */
function trimLog(core: Core): void {
  const { cacheBytes, recentBytes } = core.limits
  let unneeded = Math.min(core.appliedIndex, core.commitIndex)
  core.log.trim(cacheBytes, unneeded)
  for (const { match } of core.lead?.progress.values() ?? []) unneeded = Math.min(unneeded, match)
  core.log.trim(recentBytes, unneeded)
}

/**
 * Rule 8: nothing happened here for too long (the process was stopped, or the event loop stood still). What was believed about others is out of date: nobody
 * counts as silent before they had time to speak again, and a leader reads only after a fresh round.
 */
export function afterStall(core: Core, out: Outbox, ms: number): void {
  out.report({ type: 'stalled', ms })
  for (const peer of core.peers.values()) {
    peer.heardAt = core.now
    peer.presenceAt = -1
  }
  core.leaderHeardAt = core.now
  if (core.role === 'candidate') becomeFollower(core, out, null)
  core.standAt = Math.max(core.standAt, core.now + core.limits.heartbeatMs * 2)
  if (core.lead === null) return
  core.lead.trustFrom = core.lead.round + 1
  core.lead.confirmedAt = Number.NEGATIVE_INFINITY
  core.lead.reads = core.lead.reads.map((read) => ({
    ...read,
    round: Math.max(read.round, core.lead?.trustFrom ?? 0),
  }))
  sendHeartbeats(core, out)
}

function sendPresence(core: Core, out: Outbox): void {
  const every = core.limits.heartbeatMs * (core.leader === null || core.installing ? 1 : QUIET_PRESENCE)
  if (core.now - core.presenceSentAt < every) return
  core.presenceSentAt = core.now
  const presence = presenceOf(core)
  for (const peer of core.peers.values()) {
    if (peer.connected && peer.member !== null) out.send(peer.member, presence)
  }
}

/** Majority: a silent leader is as good as none; but while a snapshot is installed it is this replica that does not listen. */
function bearSilence(core: Core, out: Outbox): void {
  if (core.mode.onSilence !== 'elect' || core.role !== 'follower' || core.leader === null) return
  if (core.installing) return
  if (core.now - core.leaderHeardAt <= core.patienceMs) return
  loseLeader(core, out)
  core.standAt = core.now
}

/** Majority: a leader that a majority does not answer steps down, so that clients look elsewhere (thesis §6.2). */
function checkQuorum(core: Core, out: Outbox): void {
  const { lead } = core
  if (lead === null || core.mode.onSilence !== 'elect') return
  const patience = core.limits.electionTimeoutMs * 2
  if (core.now - lead.since < patience) return
  const answers = core.mode.confirms(
    currentView(core),
    (member) => names(member, core.self) || core.now - (core.peers.get(member.id)?.heardAt ?? 0) <= patience,
    () => false,
  )
  if (answers) return
  out.report({ type: 'gave up leading', term: core.term, why: 'a majority does not answer' })
  loseLeader(core, out)
}

/**
 * Fail-stop: a silent member of the view is killed, so that it can be proven dead (rule 1). The leader does it, and where nobody leads every admitted
 * replica, the lowest id first; a follower does it to its leader only.
 */
function fenceTheSilent(core: Core, out: Outbox): void {
  if (core.mode.onSilence !== 'fence' || !core.admitted) return
  const { fenceAfterMs, standStaggerMs } = core.limits
  const limit = fenceAfterMs + (core.role === 'leader' ? 0 : (1 + rankInView(core)) * standStaggerMs)
  for (const member of currentView(core).members) {
    if (names(member, core.self) || core.deaths.isDead(member)) continue
    if (core.role !== 'leader' && core.leader !== null && core.leader.id !== member.id) continue
    const peer = core.peers.get(member.id)
    if (peer === undefined || core.now - peer.heardAt <= limit) continue
    if (peer.hello === null || !sameMember(peer.hello.member, member)) continue
    if (peer.fencedAt >= 0 && core.now - peer.fencedAt < fenceAfterMs) continue
    peer.fencedAt = core.now
    const silentMs = core.now - peer.heardAt
    out.report({ type: 'fenced', member, silentMs })
    out.effect({ type: 'fence', hello: peer.hello, silentMs })
  }
}

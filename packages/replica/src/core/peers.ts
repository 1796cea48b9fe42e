import { type Member, sameMember } from '@chatroom/election'
import type { PeerObservation } from '../ports/transport.ts'
import { consider, maybeStand, voterConnected } from './campaign.ts'
import { presenceOf } from './follower.ts'
import { reviewView } from './membership.ts'
import type { Outbox } from './outbox.ts'
import { freshProgress, replicate } from './replicate.ts'
import { loseLeader } from './role.ts'
import { type Core, currentView, type Peer } from './state.ts'

/** What a link found out (fail-stop rule 1: some of it is proof). */
export function onObservation(core: Core, out: Outbox, observation: PeerObservation): void {
  const peer = core.peers.get(observation.peer)
  if (peer === undefined) return
  switch (observation.type) {
    case 'attempting':
      core.deaths.attempting(peer.id, observation.attempt)
      return
    case 'connected':
      core.deaths.answered(observation.attempt, observation.hello.member)
      peer.hello = observation.hello
      peer.rejected = ''
      return connected(core, out, peer, observation.hello.member)
    case 'refused':
      peer.connected = false
      // Whoever was turned away there has ended.
      peer.rejected = ''
      if (observation.exact) core.deaths.refused(peer.id, observation.attempt)
      // Where silence is enough to elect anew, a refusal is enough to begin before the timeout.
      if (core.mode.onSilence === 'elect' && core.role === 'follower' && core.leader?.id === peer.id) {
        loseLeader(core, out)
      }
      reviewDeaths(core, out)
      // At once if it has the turn now: everybody waits for it, and the next tick may be far.
      return maybeStand(core, out)
    case 'disconnected':
      peer.connected = false
      core.lead?.progress.delete(peer.id)
      return
    case 'unreachable':
      peer.connected = false
      return
    case 'rejected':
      peer.connected = false
      peer.rejected = observation.reason
      peer.rejectedAt = core.now
      out.report({ type: 'peer rejected', peer: peer.id, reason: observation.reason })
      return
  }
}

function connected(core: Core, out: Outbox, peer: Peer, member: Member): void {
  meet(core, peer, member)
  peer.connected = true
  heard(core, peer)
  reviewDeaths(core, out)
  if (core.halted !== null) return
  if (core.lead !== null) {
    const progress = freshProgress(core, member)
    core.lead.progress.set(peer.id, progress)
    replicate(core, out, progress)
  } else {
    out.send(member, presenceOf(core))
    voterConnected(core, out, member)
  }
}

/** A message came from this run of a peer. False: the run has ended or is out of date, and the message does not count. */
export function heardFrom(core: Core, out: Outbox, from: Member): boolean {
  const peer = core.peers.get(from.id)
  if (peer === undefined || core.deaths.isOutdated(from) || core.deaths.isDead(from)) return false
  if (peer.member === null || !sameMember(peer.member, from)) {
    meet(core, peer, from)
    core.deaths.learn(from)
    reviewDeaths(core, out)
  }
  heard(core, peer)
  return core.halted === null
}

function heard(core: Core, peer: Peer): void {
  peer.heardAt = core.now
  peer.heardEver = true
}

function meet(core: Core, peer: Peer, member: Member): void {
  if (peer.member !== null && sameMember(peer.member, member)) return
  peer.member = member
  peer.presence = null
  peer.presenceAt = -1
  peer.fencedAt = -1
  core.lead?.progress.delete(peer.id)
}

/** After anything that may be a proof of death: the leader, a voter or a member of the view may be gone. */
export function reviewDeaths(core: Core, out: Outbox): void {
  for (const member of currentView(core).members) {
    if (
      !core.deaths.isDead(member) ||
      core.reportedDead.has(`${member.id} ${member.disk} ${member.incarnation}`)
    )
      continue
    core.reportedDead.add(`${member.id} ${member.disk} ${member.incarnation}`)
    out.report({ type: 'proven dead', member })
    // Who had the turn before this one has it no more. (Of two that die at once the leader's death may be proven first.)
    const isBefore = member.id < core.self.id
    if (isBefore && core.role === 'follower' && core.leader === null && core.mode.onSilence === 'fence')
      core.standAt -= core.limits.standStaggerMs
  }
  if (core.role === 'follower' && core.leader !== null && core.deaths.isDead(core.leader))
    loseLeader(core, out)
  if (core.role === 'candidate') consider(core, out)
  if (core.role === 'leader') reviewView(core, out)
}

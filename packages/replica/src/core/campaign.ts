import {
  type Member,
  names,
  type PlacedView,
  planRecovery,
  type RecoveryPlan,
  type Returnee,
  type View,
} from '@chatroom/election'
import { comparePositions, type Entry } from '@chatroom/replication-log'
import { commitPosition, learnCommit } from './commit.ts'
import { takeIn } from './follower.ts'
import { becomeLeader } from './leader.ts'
import type { Pulled, TimeoutNow, VoteReply, VoteRequest } from './messages.ts'
import type { Outbox } from './outbox.ts'
import { isBoundByLease } from './reads.ts'
import { becomeFollower, enterTerm } from './role.ts'
import { addressOf, type Campaign, type Core, currentView, random, rankInView } from './state.ts'

/** Stands for election when it is time and the rules allow it. Called at every tick, and when a link was refused, which may have proven a leader dead. */
export function maybeStand(core: Core, out: Outbox): void {
  if (core.role !== 'follower' || core.now < core.standAt || core.installing || isBoundByLease(core)) return
  const may = core.mode.mayStand({
    self: core.self,
    admitted: core.admitted,
    view: viewToStandBy(core),
    hasLeader: core.leader !== null,
  })
  if (may.yes) return begin(core, out, { recovery: false, transfer: false, returnees: null })
  if (may.why !== 'is not admitted' || core.leader !== null) return
  const plan = recoveryPlan(core)
  if (plan.type === 'lead' && plan.leader === core.self.id)
    begin(core, out, { recovery: true, transfer: false, returnees: plan.members })
}

/**
 * Whoever the newest view leaves out may still be needed until that view is known to be committed: it may have the entry that others lack, and nobody else could
 * lead then (thesis §4.2.2).
 */
function viewToStandBy(core: Core): View {
  const newest = currentView(core)
  // Not left out, but counted on another disk than it has: that one may have voted.
  if (newest.members.some(({ id }) => id === core.self.id)) return newest
  for (let at = core.views.length - 1; at >= 0; at--) {
    const view = core.views[at]
    if (view === undefined) break
    if (view.members.some((member) => names(member, core.self))) return view
    if (view.index <= core.commitIndex) break
  }
  return newest
}

/** Rule 6, from what the returnees that can be reached have said. */
export function recoveryPlan(core: Core): RecoveryPlan {
  const others: Returnee[] = []
  for (const peer of core.peers.values()) {
    const { member, presence } = peer
    const fresh = core.now - peer.presenceAt <= core.limits.campaignMs
    if (!peer.connected || member === null || presence === null || !fresh || presence.admitted) continue
    others.push({ member, view: presence.view, last: presence.last })
  }
  return planRecovery([{ member: core.self, view: currentView(core), last: core.log.last }, ...others])
}

/** The leader asked this replica to take over (thesis §3.10). */
export function onTimeoutNow(core: Core, out: Outbox, from: Member, message: TimeoutNow): void {
  if (message.term !== core.term || core.role !== 'follower' || core.leader?.id !== from.id) return
  const may = core.mode.mayStand({
    self: core.self,
    admitted: core.admitted,
    view: currentView(core),
    hasLeader: false,
  })
  if (may.yes) begin(core, out, { recovery: false, transfer: true, returnees: null })
}

function begin(
  core: Core,
  out: Outbox,
  kind: { recovery: boolean; transfer: boolean; returnees: readonly Member[] | null },
): void {
  core.role = 'candidate'
  core.leader = null
  core.campaign = {
    ...kind,
    phase: 'pre',
    term: core.term + 1,
    began: core.now,
    granted: new Map(),
    refused: new Map(),
    asked: new Map(),
    ownVote: 0,
    pullingFrom: null,
  }
  out.report({ type: 'role', role: 'candidate', term: core.term })
  if (kind.transfer) ask(core, out, core.campaign)
  else askAll(core, out, core.campaign)
  consider(core, out)
}

/** Whose votes this campaign needs: the returnees of a recovery, else the members of the newest view of the log (which adoption may change). */
function electorate(core: Core, campaign: Campaign): View {
  const view = currentView(core)
  return campaign.returnees === null ? view : { ...view, members: campaign.returnees }
}

/** From the question whether one might stand to standing: a new term, with its own vote. */
function ask(core: Core, out: Outbox, campaign: Campaign): void {
  core.term++
  core.votedFor = core.self.id
  out.hardState()
  campaign.phase = 'vote'
  campaign.term = core.term
  campaign.granted.clear()
  campaign.refused.clear()
  campaign.asked.clear()
  // The persist of this step will hold it.
  campaign.ownVote = core.persistIssued + 1
  askAll(core, out, campaign)
}

function askAll(core: Core, out: Outbox, campaign: Campaign): void {
  for (const member of electorate(core, campaign).members) {
    if (names(member, core.self) || core.deaths.isDead(member)) continue
    const to = addressOf(core, member)
    if (to === undefined || campaign.asked.has(to.id)) continue
    campaign.asked.set(to.id, to)
    out.send(to, voteRequest(core, campaign))
  }
}

function voteRequest(core: Core, campaign: Campaign): VoteRequest {
  const view = currentView(core)
  return {
    type: 'voteRequest',
    term: campaign.term,
    pre: campaign.phase === 'pre',
    recovery: campaign.recovery,
    transfer: campaign.transfer,
    last: core.log.last,
    view,
    commit: commitPosition(core),
    dead: view.members.filter((member) => core.deaths.isDead(member)),
  }
}

export function onVoteReply(core: Core, out: Outbox, from: Member, reply: VoteReply): void {
  learnCommit(core, out, reply.commit)
  const { campaign } = core
  // A later term exists. Take it over, so that the next campaign is beyond it.
  if (reply.term > core.term) return enterTerm(core, out, reply.term)
  if (campaign === null || reply.pre !== (campaign.phase === 'pre')) return
  if (!reply.pre && reply.term !== campaign.term) return
  if (reply.granted) campaign.granted.set(from.id, { member: from, reply })
  else campaign.refused.set(from.id, reply.refusal ?? 'stale term')
  consider(core, out)
}

/** Whether the campaign can go on: called after every reply, proof, persist and pulled entry. */
export function consider(core: Core, out: Outbox): void {
  const { campaign } = core
  if (campaign === null || core.halted !== null) return
  if (campaign.pullingFrom !== null) return
  if (!holdsElection(core, campaign)) return
  if (campaign.phase === 'pre') {
    // The answers may have brought the news that admits it: from then on it is no returnee, and what was asked was the wrong question.
    if (campaign.recovery && core.admitted) return abandon(core, out)
    ask(core, out, campaign)
    return consider(core, out)
  }
  if (core.persistDone < campaign.ownVote) return
  if (core.mode.namesIncarnations && !campaign.recovery && !adopted(core, out, campaign)) return
  win(core, out, campaign)
}

function holdsElection(core: Core, campaign: Campaign): boolean {
  const view = electorate(core, campaign)
  const granted = (member: Member): boolean => {
    if (names(member, core.self)) return true
    const vote = campaign.granted.get(member.id)
    return vote !== undefined && names(member, vote.member)
  }
  // A recovery needs every returnee it counted, dead since or not; an election needs whom its mode says.
  if (campaign.recovery) return view.members.every(granted)
  return core.mode.elected(view, granted, (member) => core.deaths.isDead(member))
}

/**
 * Rule 4: a candidate that holds all votes takes over the most up-to-date log among the voters, and then needs the votes of that log's view too. The votes
 * come first: each froze its voter's log, so nothing can be committed there that the candidate does not see.
 */
function adopted(core: Core, out: Outbox, campaign: Campaign): boolean {
  campaign.phase = 'adopt'
  let best: { member: Member; reply: VoteReply } | null = null
  for (const vote of campaign.granted.values()) {
    if (core.deaths.isDead(vote.member)) continue
    if (comparePositions(vote.reply.last, best?.reply.last ?? core.log.last) > 0) best = vote
  }
  if (best === null) return true
  campaign.pullingFrom = best.member
  pull(core, out, campaign, best.reply.last.index, best.reply.last.term)
  return false
}

function pull(core: Core, out: Outbox, campaign: Campaign, index: number, term: number): void {
  if (campaign.pullingFrom === null) return
  out.send(campaign.pullingFrom, {
    type: 'pull',
    term: campaign.term,
    previous: core.log.agreementHint({ index, term }),
  })
}

export function onPulled(core: Core, out: Outbox, from: Member, message: Pulled): void {
  const { campaign } = core
  if (campaign === null || message.term !== campaign.term || campaign.pullingFrom?.id !== from.id) return
  if (!message.matched) return pull(core, out, campaign, message.hint.index, message.hint.term)
  const entries: readonly Entry[] = message.entries
  const change = core.log.reconcile(message.previous, entries)
  if (change === undefined) return pull(core, out, campaign, message.previous.index, message.previous.term)
  takeIn(core, out, change)
  if (core.halted !== null) return
  campaign.began = core.now
  if (core.log.has(message.last)) {
    campaign.pullingFrom = null
    // The better log may have another view: its members have to vote as well.
    askAll(core, out, campaign)
    consider(core, out)
  } else {
    out.send(from, { type: 'pull', term: campaign.term, previous: core.log.last })
  }
}

function win(core: Core, out: Outbox, campaign: Campaign): void {
  const view = currentView(core)
  if (campaign.returnees !== null) return becomeLeader(core, out, { ...view, members: campaign.returnees })
  // In fail-stop mode a view leaves out only who is proven dead: then somebody took this one for that.
  if (core.mode.namesIncarnations && !view.members.some((member) => names(member, core.self)))
    return abandon(core, out)
  becomeLeader(
    core,
    out,
    core.mode.openingView(view, (member) => core.deaths.isDead(member), [
      core.self,
      ...[...campaign.granted.values()].map(({ member }) => member),
    ]),
  )
}

/** Gives the candidacy up and tries again later. */
function abandon(core: Core, out: Outbox): void {
  becomeFollower(core, out, null)
  core.standAt = core.now + core.limits.standStaggerMs * (1 + rankInView(core)) * (1 + random(core))
}

/** Time passes for a candidate: ask whom it could not reach before, or begin anew. */
export function tickCampaign(core: Core, out: Outbox): void {
  const { campaign } = core
  if (campaign === null) return
  if (campaign.pullingFrom !== null && core.deaths.isDead(campaign.pullingFrom)) return abandon(core, out)
  if (core.now - campaign.began > core.limits.campaignMs || refusedForGood(core, campaign))
    return abandon(core, out)
  askAll(core, out, campaign)
  consider(core, out)
}

/** A needed voter said no: in this campaign nothing will change that. */
function refusedForGood(core: Core, campaign: Campaign): boolean {
  const view: PlacedView | View = electorate(core, campaign)
  const refused = (member: Member): boolean => campaign.refused.has(member.id) && !names(member, core.self)
  return !core.mode.elected(
    view,
    (member) => !refused(member),
    (member) => core.deaths.isDead(member),
  )
}

/** A link to a voter opened (again): what was asked over the old one may be lost. */
export function voterConnected(core: Core, out: Outbox, member: Member): void {
  const { campaign } = core
  if (campaign === null) return
  campaign.asked.delete(member.id)
  if (campaign.pullingFrom?.id === member.id) return abandon(core, out)
  askAll(core, out, campaign)
}

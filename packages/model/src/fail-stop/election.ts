import {
  commonLength,
  compareLogs,
  compareViews,
  type Log,
  type LogTable,
  type Member,
  type PlacedView,
  prefix,
  viewNames,
} from '../log.ts'
import { grown } from './replication.ts'
import type { Setting } from './setting.ts'
import {
  type Campaign,
  isDead,
  mayBeKnownDead,
  NOBODY,
  noProgress,
  type Replica,
  RUNS_PER_DISK,
  replicaOf,
  type State,
  withReplica,
} from './state.ts'

/** Admitted, by the rules or by the mistake under test. */
function mayStand(setting: Setting, id: number, { admitted, log, run }: Replica): boolean {
  if (setting.mistake !== 'noadmit') return admitted
  return log.length > 0 && viewNames(log.view, id, run)
}

/** Asking without changing anybody's term comes first in the code; it only tells the candidate how far it has to go beyond its own term. */
function candidacy(
  setting: Setting,
  state: State,
  id: number,
  term: number,
  campaign: Pick<Campaign, 'kind' | 'electors'>,
): State | null {
  const { log, term: before } = replicaOf(state, id)
  if (term <= before || term > setting.terms || log.length >= setting.length) return null
  const votes = state.replicas.map(() => null)
  return withReplica(state, id, {
    role: 'candidate',
    term,
    votedFor: id,
    durable: log,
    hearsLeader: false,
    campaign: { ...campaign, votes, pullingFrom: -1 },
  })
}

/**
 * Rule 4: an admitted replica that knows of no leader, or that its leader asked to take over. Nobody need be dead: then all have to
 * vote.
 */
export function stand(
  setting: Setting,
  state: State,
  id: number,
  replica: Replica,
  { kind, term }: { kind: 'election' | 'transfer'; term: number },
): State | null {
  if (replica.role !== 'follower' || !mayStand(setting, id, replica)) return null
  const electors = setting.mistake === 'oldviewonly' ? replica.log.view.members : null
  if (kind === 'election')
    return replica.hearsLeader ? null : candidacy(setting, state, id, term, { kind, electors })
  if (!replica.hearsLeader || state.transfers >= setting.transfers) return null
  return candidacy(setting, { ...state, transfers: state.transfers + 1 }, id, term, { kind, electors })
}

/**
 * Rule 6: all members of the newest view have to be back. What the candidate has heard of the others may be old, and some it may not have heard of at all, so
 * here it goes by any view that is not older than its own; that nobody knows better is for the voters to find out.
 */
export function recover(
  setting: Setting,
  state: State,
  id: number,
  replica: Replica,
  { by, term }: { by: number; term: number },
): State | null {
  const { view } = replicaOf(state, by).log
  if (replica.role !== 'follower' || replica.hearsLeader || mayStand(setting, id, replica)) return null
  if ((!setting.staleNews && !replicaOf(state, by).up) || compareViews(view, replica.log.view) < 0)
    return null
  if (!viewHas(view, id) && setting.mistake !== 'longest') return null
  const named = view.members.filter((member) => isSameDisk(setting, state, member))
  const up = named.filter((member) => replicaOf(state, member.id).up)
  // By old news somebody is back who has ended since: who cannot vote any more.
  const back = setting.staleNews && !takesFewer(setting) ? named : up
  const enough =
    setting.mistake === 'majority'
      ? back.length * 2 > view.members.length
      : back.length === view.members.length
  if (!enough && setting.mistake !== 'any') return null
  const electors = back.map((member) => ({ id: member.id, run: replicaOf(state, member.id).run }))
  return candidacy(setting, state, id, term, { kind: 'recovery', electors })
}

function takesFewer({ mistake }: Setting): boolean {
  return mistake === 'any' || mistake === 'majority'
}

/** Whether a recovery by that view would have the votes of all that it needs, as things stand now. */
export function allWouldVote(setting: Setting, state: State, id: number, by: number): boolean {
  const candidate = replicaOf(state, id)
  return replicaOf(state, by).log.view.members.every((member) => {
    if (member.id === id) return true
    const voter = replicaOf(state, member.id)
    return voter.up && !knowsBetter(setting, member.id, voter, candidate)
  })
}

/** Rule 6: why a returnee does not vote for another in a recovery. */
function knowsBetter(setting: Setting, id: number, voter: Replica, candidate: Replica): boolean {
  if (mayStand(setting, id, voter) && setting.mistake !== 'admittedrecovery') return true
  if (setting.mistake === 'blindrecovery') return false
  if (setting.mistake === 'longest') return voter.log.length > candidate.log.length
  return compareViews(voter.log.view, candidate.log.view) > 0 || compareLogs(voter.log, candidate.log) > 0
}

/** Rule 9: a replaced disk is another identity. */
function isSameDisk(setting: Setting, state: State, { id, run }: Member): boolean {
  const diskOf = (number: number): number => Math.floor(number / RUNS_PER_DISK)
  return run === 0 || setting.mistake === 'olddisk' || diskOf(run) === diskOf(replicaOf(state, id).run)
}

function viewHas(view: PlacedView, id: number): boolean {
  return view.members.some((member) => member.id === id)
}

/** Whose votes a campaign needs: all of these that are not proven dead, or of a recovery simply all. */
function electorate(candidate: Replica, campaign: Campaign): readonly Member[] {
  return campaign.electors ?? candidate.log.view.members
}

export function vote(
  setting: Setting,
  state: State,
  id: number,
  voter: Replica,
  candidate: number,
): State | null {
  const standing = replicaOf(state, candidate)
  const { campaign, term } = standing
  if (id === candidate || !standing.up || standing.role !== 'candidate' || campaign === null) return null
  if (!electorate(standing, campaign).some((member) => member.id === id && member.run === voter.run))
    return null
  if ((campaign.votes[id]?.run ?? 0) === voter.run) return null
  if (refuses(setting, id, voter, standing, campaign)) return null
  const votes = campaign.votes.with(id, { run: voter.run, log: voter.log })
  const counted = withReplica(state, candidate, { campaign: { ...campaign, votes } })
  if (setting.mistake === 'leaderstays' && voter.role === 'leader') return counted
  return withReplica(counted, id, {
    term,
    votedFor: candidate,
    durable: voter.log,
    role: 'follower',
    hearsLeader: false,
    commit: 0,
    progress: noProgress,
    campaign: null,
  })
}

/** Who follows a leader, or leads, gives its vote only at the leader's wish; in a recovery only a returnee that knows nothing better votes (rule 6). */
function refuses(
  setting: Setting,
  id: number,
  voter: Replica,
  candidate: Replica,
  campaign: Campaign,
): boolean {
  if (voter.term > candidate.term) return true
  const votedBefore = voter.term === candidate.term && voter.votedFor !== NOBODY
  if (votedBefore && setting.mistake !== 'doublevote') return true
  const obedient = campaign.kind === 'transfer' || setting.mistake === 'leaderstays'
  if (!obedient && (voter.role === 'leader' || voter.hearsLeader)) return true
  if (setting.mistake === 'noadopt' && compareLogs(voter.log, candidate.log) > 0) return true
  return campaign.kind === 'recovery' && knowsBetter(setting, id, voter, candidate)
}

/** Whether everybody in the electorate has voted or, as far as the candidate may know, is dead. */
function isElected(
  setting: Setting,
  state: State,
  id: number,
  candidate: Replica,
  campaign: Campaign,
): boolean {
  return electorate(candidate, campaign).every((member) => {
    if (member.id === id) return true
    const given = campaign.votes[member.id] ?? null
    if (given !== null && given.run === member.run) return true
    return campaign.kind !== 'recovery' && mayBeKnownDead(setting, state, member)
  })
}

/** Whether this vote came with the best log that the candidate may take over, better than its own; of voters known to be dead nothing can be had. */
function isBest(state: State, candidate: Replica, campaign: Campaign, log: Log): boolean {
  if (compareLogs(log, candidate.log) <= 0) return false
  return campaign.votes.every(
    (other, id) =>
      other === null || compareLogs(other.log, log) <= 0 || isDead(state, { id, run: other.run }),
  )
}

/** Whether a voter that lives has a better log than the candidate. */
function hasBetterVoter(state: State, candidate: Replica, campaign: Campaign): boolean {
  return campaign.votes.some(
    (given, id) =>
      given !== null && compareLogs(given.log, candidate.log) > 0 && !isDead(state, { id, run: given.run }),
  )
}

/** Rule 4: the votes froze the voters' logs; now the candidate takes over the best of them. Half of it may be all it gets. */
export function adopt(
  setting: Setting,
  state: State,
  id: number,
  candidate: Replica,
  { voter, upTo }: { voter: number; upTo: number },
): State | null {
  const { campaign, role, term } = candidate
  if (role !== 'candidate' || campaign === null || campaign.kind === 'recovery') return null
  if (setting.mistake === 'noadopt' || setting.mistake === 'ownlog') return null
  const given = campaign.votes[voter] ?? null
  if (given === null || voter === id) return null
  const from = replicaOf(state, voter)
  // What it sent may arrive after it has ended, or gone on to a later term.
  const stillFrozen =
    from.term === term && from.votedFor === id && !isDead(state, { id: voter, run: given.run })
  if (!stillFrozen && !setting.lateAppends) return null
  if (campaign.pullingFrom !== voter) {
    const votesFirst = setting.mistake === 'adoptfirst' || isElected(setting, state, id, candidate, campaign)
    if (campaign.pullingFrom >= 0 || !votesFirst || !isBest(state, candidate, campaign, given.log))
      return null
  }
  if (upTo > given.log.length || upTo <= commonLength(candidate.log, given.log)) return null
  const log = prefix(given.log, upTo)
  const pullingFrom = log === given.log ? -1 : voter
  return withReplica(state, id, { log, campaign: { ...campaign, pullingFrom } })
}

/** It has won: a higher term, and first the view of those alive as far as it knows; after a recovery exactly those that had to be back. */
export function lead(
  logs: LogTable,
  setting: Setting,
  state: State,
  id: number,
  candidate: Replica,
  dead: readonly number[],
): State | null {
  const { campaign, role, log, term } = candidate
  if (role !== 'candidate' || campaign === null || campaign.pullingFrom >= 0 || log.length >= setting.length)
    return null
  if (!isElected(setting, state, id, candidate, campaign)) return null
  const recovery = campaign.kind === 'recovery'
  const adopts = !recovery && setting.mistake !== 'noadopt' && setting.mistake !== 'ownlog'
  if (adopts && hasBetterVoter(state, candidate, campaign)) return null
  const view = recovery ? electorate(candidate, campaign) : log.view.members
  const gone = view.filter((member) => dead.includes(member.id))
  if (
    gone.length !== dead.length ||
    !gone.every((member) => member.id !== id && mayBeKnownDead(setting, state, member))
  )
    return null
  if (recovery && dead.length > 0) return null
  const members = view.filter((member) => !dead.includes(member.id))
  if (!members.some((member) => member.id === id)) return null
  if (state.sent[term] !== undefined) return { ...state, broken: `two leaders in term ${term}` }
  const progress = state.replicas.map(() => ({ run: 0, match: 0 }))
  const after = withReplica(state, id, { role: 'leader', commit: 0, progress, campaign: null })
  return grown(after, id, logs.append(log, { kind: 'view', term, members }))
}

import { compareViews, type Member, names } from '@chatroom/election'
import { commitPosition, learnCommit } from './commit.ts'
import type { VoteRefusal, VoteRequest } from './messages.ts'
import type { Outbox } from './outbox.ts'
import { isBoundByLease } from './reads.ts'
import { becomeFollower, enterTerm } from './role.ts'
import { type Core, currentView } from './state.ts'

/** Somebody asks for this replica's vote (Raft §5.2 and §5.4.1, thesis §9.6; fail-stop rules 4 and 6). */
export function onVoteRequest(core: Core, out: Outbox, from: Member, request: VoteRequest): void {
  for (const dead of request.dead) {
    if (names(dead, core.self) && dead.incarnation === core.self.incarnation) {
      return out.halt(
        `replica ${from.id} holds a proof that this process has ended, but it runs: was its peer port lost?`,
      )
    }
    core.deaths.prove(dead)
  }
  learnCommit(core, out, request.commit)
  const refusal = refuse(core, from, request)
  if (refusal === null && !request.pre) grant(core, out, from, request.term)
  out.send(from, {
    type: 'voteReply',
    term: core.term,
    pre: request.pre,
    granted: refusal === null,
    refusal,
    last: core.log.last,
    view: currentView(core),
    commit: commitPosition(core),
  })
}

function refuse(core: Core, from: Member, request: VoteRequest): VoteRefusal | null {
  if (request.pre ? request.term <= core.term : request.term < core.term) return 'stale term'
  if (!request.pre && request.term === core.term && core.votedFor !== null && core.votedFor !== from.id)
    return 'voted for another'
  if (!request.transfer) {
    if (core.role === 'leader') return 'is the leader'
    if (hasLiveLeader(core, from)) return 'has a leader'
  }
  return core.mode.namesIncarnations
    ? request.recovery
      ? refuseRecovery(core, request)
      : null
    : refuseMajority(core, request)
}

/** Follows somebody else who is neither proven dead nor, where silence counts, silent for an election timeout. */
function hasLiveLeader(core: Core, from: Member): boolean {
  const { leader } = core
  if (leader === null || leader.id === from.id || core.deaths.isDead(leader)) return false
  return core.mode.onSilence === 'fence' || core.now - core.leaderHeardAt < core.limits.electionTimeoutMs
}

/** Rule 6: only returnees decide, and none may know more than the one it votes for. An ordinary election (rule 4) needs no such check: its winner adopts the best log. */
function refuseRecovery(core: Core, request: VoteRequest): VoteRefusal | null {
  if (core.admitted) return 'is admitted'
  if (compareViews(currentView(core), request.view) > 0) return 'knows a newer view'
  return core.log.isAtMost(request.last) ? null : 'log is more up to date'
}

function refuseMajority(core: Core, request: VoteRequest): VoteRefusal | null {
  // A replica whose disk was replaced has forgotten whom it voted for: the view names the old disk.
  if (!request.view.members.some((member) => names(member, core.self))) return 'not in the view'
  if (!request.transfer && isBoundByLease(core))
    return core.now - core.startedAt < core.limits.electionTimeoutMs ? 'distrusts its clock' : 'has a leader'
  return core.log.isAtMost(request.last) ? null : 'log is more up to date'
}

function grant(core: Core, out: Outbox, from: Member, term: number): void {
  if (term > core.term) enterTerm(core, out, term)
  else becomeFollower(core, out, null)
  if (core.votedFor === null) {
    core.votedFor = from.id
    out.hardState()
  }
  core.standAt = core.now + core.limits.campaignMs
}

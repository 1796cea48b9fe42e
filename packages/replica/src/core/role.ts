import type { Member } from '@chatroom/election'
import type { Outbox } from './outbox.ts'
import { type Core, random, rankInView } from './state.ts'

/** A higher term exists: this replica is a follower in it, of nobody yet (Raft §5.1). */
export function enterTerm(core: Core, out: Outbox, term: number): void {
  if (term > core.term) {
    core.term = term
    core.votedFor = null
    out.hardState()
  }
  becomeFollower(core, out, null)
}

/** Follows `leader`, or nobody. Ends a candidacy or a leadership. */
export function becomeFollower(core: Core, out: Outbox, leader: Member | null): void {
  if (core.role === 'leader') giveUpLeadership(core, out)
  const was = core.leader
  core.role = 'follower'
  core.campaign = null
  core.leader = leader
  if (leader !== null) {
    core.leaderHeardAt = core.now
    core.patienceMs = core.limits.electionTimeoutMs * (1 + random(core))
  }
  if (was?.id === leader?.id && was?.incarnation === leader?.incarnation) return
  if (leader === null) core.leaderlessSince = core.now
  out.report({ type: 'leader', leader: leader?.id ?? null, term: core.term })
}

/** The leader is gone (proven dead, gave up, or silent where that counts): the lowest living id stands first. */
export function loseLeader(core: Core, out: Outbox): void {
  becomeFollower(core, out, null)
  core.standAt = core.now + standDelay(core)
}

/**
 * How long to leave the first move to others. Fail-stop: the lowest living id of the view first. Majority: at random (Raft §5.2), so that
 * two rarely stand at once.
 */
export function standDelay(core: Core): number {
  const { standStaggerMs } = core.limits
  return core.mode.onSilence === 'fence'
    ? rankInView(core) * standStaggerMs
    : random(core) * standStaggerMs * 2
}

function giveUpLeadership(core: Core, out: Outbox): void {
  const lead = core.lead
  core.lead = null
  core.leaderlessSince = core.now
  out.effect({ type: 'leadershipLost' })
  for (const read of lead?.reads ?? [])
    out.effect({ type: 'readRefused', ticket: read.ticket, why: 'not leader' })
  if (lead?.transfer)
    out.effect({ type: 'transferred', ok: lead.transfer.asked, words: 'this replica no longer leads' })
  if (lead !== null && lead.pendingChange !== null) {
    out.effect({
      type: 'membersChanged',
      ok: false,
      words:
        'leadership ended before the change was committed: look at the view and try again at the new leader',
    })
  }
  out.report({ type: 'leader', leader: null, term: core.term })
}

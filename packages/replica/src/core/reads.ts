import { names } from '@chatroom/election'
import type { Outbox } from './outbox.ts'
import { sendHeartbeats } from './replicate.ts'
import { type Core, currentView, type LeaderState } from './state.ts'

/**
 * A linearizable read: it sees everything that was acknowledged before it was asked. Majority: ReadIndex (thesis §6.4), or a lease where the option names its
 * clock assumption (§6.4.1). Fail-stop: rule 7, at once, except after a stall (rule 8).
 */
export function onRead(core: Core, out: Outbox, ticket: number): void {
  const { lead } = core
  if (lead === null) return out.effect({ type: 'readRefused', ticket, why: 'not leader' })
  if (lead.reads.length >= core.limits.pendingReads)
    return out.effect({ type: 'readRefused', ticket, why: 'overloaded' })
  // A new round proves leadership after this moment; the one under way may have begun before it.
  const round = mustConfirm(core, lead)
  lead.reads.push({ ticket, index: Math.max(core.commitIndex, lead.opening), round })
  confirmReads(core, out)
}

function mustConfirm(core: Core, lead: LeaderState): number {
  if (!core.mode.readsNeedRound) return lead.trustFrom
  return hasLease(core, lead) ? lead.trustFrom : lead.round + 1
}

/** Nobody else can be elected before the followers that answered the last confirmed round have waited for an election timeout. */
function hasLease(core: Core, lead: LeaderState): boolean {
  const { leaseClockDrift, electionTimeoutMs } = core.limits
  // Who is asked to take over need not wait, and the request may arrive late: after that this term has no lease any more.
  if (leaseClockDrift <= 0 || lead.transfer !== null || lead.handedOver) return false
  return core.now - lead.confirmedAt < electionTimeoutMs * (1 - leaseClockDrift)
}

/**
 * The other half of a lease: who has heard a leader may neither vote nor stand for an election timeout from then on, whatever it has heard since: a refused connect
 * and a later term are no proof that the lease has ended. Who has just started may have heard one before.
 */
export function isBoundByLease(core: Core): boolean {
  const { leaseClockDrift, electionTimeoutMs } = core.limits
  return leaseClockDrift > 0 && core.now - core.leaderHeardAt < electionTimeoutMs
}

/** Answers the reads whose round is confirmed and whose entries are applied. */
export function confirmReads(core: Core, out: Outbox): void {
  const { lead } = core
  if (lead === null || (lead.reads.length === 0 && core.limits.leaseClockDrift <= 0)) return
  const confirmed = confirmedRound(core, lead)
  if (confirmed > lead.confirmed) {
    lead.confirmed = confirmed
    if (confirmed === lead.round) lead.confirmedAt = lead.roundAt
  }
  if (lead.reads.length === 0) return
  const ready = Math.min(core.appliedIndex, core.commitIndex)
  const open: typeof lead.reads = []
  for (const read of lead.reads) {
    if (read.round <= confirmed && read.index <= ready) out.effect({ type: 'readReady', ticket: read.ticket })
    else open.push(read)
  }
  lead.reads = open
  // One round at a time: those who asked meanwhile share the next one.
  const wanted = open.some((read) => read.round > lead.round)
  if (wanted && confirmed >= lead.round) startRound(core, out)
}

function startRound(core: Core, out: Outbox): void {
  sendHeartbeats(core, out)
  if (core.lead !== null && confirmedRound(core, core.lead) >= core.lead.round) confirmReads(core, out)
}

/** The newest heartbeat round that enough of the view answered. */
function confirmedRound(core: Core, lead: LeaderState): number {
  if (isConfirmed(core, lead, lead.round)) return lead.round
  let newest = 0
  for (const { round } of lead.progress.values())
    if (round > newest && isConfirmed(core, lead, round)) newest = round
  return newest
}

function isConfirmed(core: Core, lead: LeaderState, round: number): boolean {
  return core.mode.confirms(
    currentView(core),
    (member) => {
      if (names(member, core.self)) return true
      const progress = lead.progress.get(member.id)
      return progress !== undefined && names(member, progress.member) && progress.round >= round
    },
    (member) => core.deaths.isDead(member),
  )
}

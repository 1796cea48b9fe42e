import type { Member } from '@chatroom/election'
import type { Event } from './events.ts'
import type { Leave } from './messages.ts'
import type { Outbox } from './outbox.ts'
import { reviewDeaths } from './peers.ts'
import { becomeFollower, loseLeader } from './role.ts'
import { type Core, isServing } from './state.ts'
import { onTransfer } from './transfer.ts'

/**
 * A planned end. Whoever says that it leaves does nothing after that which the rules know of: it appends, votes, stands and acknowledges no more. So the word is as good as
 * a proof of death (fail-stop, rule 1), and nobody has to wait until its port is closed.
 */
export function onLeaveAsked(core: Core, out: Outbox): void {
  if (core.departure !== null) return
  core.departure = { phase: 'handing over' }
  if (isServing(core)) onTransfer(core, out, null)
}

/** Whether nothing that this replica does counts any more. */
export function hasLeft({ departure }: Core): boolean {
  return departure !== null && departure.phase !== 'handing over'
}

/** Called after every event while leadership is handed over: says that this replica leaves once it was, or could not be. */
export function proceedToLeave(core: Core, out: Outbox): void {
  if (core.departure?.phase !== 'handing over') return
  const transfer = core.lead?.transfer ?? null
  if (transfer !== null && !transfer.asked) return
  if (core.role !== 'follower') becomeFollower(core, out, null)
  const unheard = new Set<number>()
  for (const { id, connected, member } of core.peers.values()) {
    if (!connected || member === null) continue
    unheard.add(id)
    out.send(member, { type: 'leave', term: core.term, successor: transfer?.to ?? null })
  }
  core.departure = { phase: 'said', since: core.now, unheard }
  endIfHeard(core, out)
}

/** All that may still happen to a replica that has said that it leaves: the others say that they have heard it, or cannot. */
export function afterLeaving(core: Core, out: Outbox, event: Event): void {
  if (core.departure?.phase !== 'said') return
  if (event.type === 'receive' && event.message.type === 'leaveNoted')
    core.departure.unheard.delete(event.from.id)
  if (
    event.type === 'observe' &&
    event.observation.type !== 'attempting' &&
    event.observation.type !== 'connected'
  )
    core.departure.unheard.delete(event.observation.peer)
  endIfHeard(core, out)
}

function endIfHeard(core: Core, out: Outbox): void {
  if (core.departure?.phase !== 'said') return
  const { since, unheard } = core.departure
  if (unheard.size > 0 && core.now - since < core.limits.leaveMs) return
  core.departure = { phase: 'over' }
  out.effect({ type: 'left', unheard: [...unheard] })
}

/** Another replica says that this is the last that it says. */
export function onLeave(core: Core, out: Outbox, from: Member, { successor }: Leave): void {
  out.send(from, { type: 'leaveNoted', term: core.term })
  core.deaths.prove(from)
  core.reportedDead.add(`${from.id} ${from.disk} ${from.incarnation}`)
  out.report({ type: 'left', member: from })
  core.lead?.progress.delete(from.id)
  const led = core.role === 'follower' && core.leader?.id === from.id
  if (led) loseLeader(core, out)
  // Whom it asked to take over has the first move, as if that one had this replica's vote already.
  if (led && successor !== null && successor !== core.self.id)
    core.standAt = core.now + core.limits.campaignMs
  reviewDeaths(core, out)
}

import type { ReplicaId } from '@chatroom/election'
import type { Outbox } from './outbox.ts'
import { addressOf, type Core, currentView, isSelf, isServing } from './state.ts'

/** Hands leadership to a follower that has everything (thesis §3.10). Meanwhile nothing new is taken. */
export function onTransfer(core: Core, out: Outbox, to: ReplicaId | null): void {
  const refuse = (words: string): void => out.effect({ type: 'transferred', ok: false, words })
  const { lead } = core
  if (lead === null || !isServing(core)) return refuse('this replica does not lead')
  if (lead.transfer !== null) return refuse(`a transfer to replica ${lead.transfer.to} is under way`)
  const target = to ?? mostAdvanced(core)
  if (target === null) return refuse('no other member of the view can be reached')
  if (target === core.self.id) return refuse(`replica ${target} leads already`)
  if (!currentView(core).members.some((member) => member.id === target))
    return refuse(`replica ${target} is not a member of the view`)
  if (!lead.progress.has(target)) return refuse(`replica ${target} cannot be reached`)
  lead.transfer = { to: target, since: core.now, asked: false }
  tickTransfer(core, out)
}

function mostAdvanced(core: Core): ReplicaId | null {
  let best: { id: ReplicaId; match: number } | null = null
  for (const member of currentView(core).members) {
    const progress = core.lead?.progress.get(member.id)
    if (isSelf(core, member) || progress === undefined) continue
    if (best === null || progress.match > best.match) best = { id: member.id, match: progress.match }
  }
  return best?.id ?? null
}

/** Called at ticks and after every answer of a follower. */
export function tickTransfer(core: Core, out: Outbox): void {
  const { lead } = core
  if (lead === null || lead.transfer === null) return
  const { to, since, asked } = lead.transfer
  if (core.now - since > core.limits.transferMs) {
    lead.transfer = null
    return out.effect({
      type: 'transferred',
      ok: false,
      words: `replica ${to} did not take over within ${core.limits.transferMs} ms: this replica goes on`,
    })
  }
  const progress = lead.progress.get(to)
  if (progress === undefined) {
    // Its link broke: whoever waits for the hand-over, to stop or to start anew, should not wait for it.
    lead.transfer = null
    return out.effect({
      type: 'transferred',
      ok: false,
      words: `replica ${to} cannot be reached any more: this replica goes on`,
    })
  }
  if (asked || progress.match < core.log.last.index) return
  const address = addressOf(core, progress.member)
  if (address === undefined) return
  lead.transfer.asked = true
  lead.handedOver = true
  out.send(address, { type: 'timeoutNow', term: core.term })
}

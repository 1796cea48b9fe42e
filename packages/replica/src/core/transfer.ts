import { names, type ReplicaId } from '@chatroom/election'
import type { Outbox } from './outbox.ts'
import { addressOf, type Core, currentView, isServing } from './state.ts'

/** Hands leadership to a follower that has everything (thesis §3.10). Meanwhile nothing new is taken. */
export function onTransfer(core: Core, out: Outbox, to: ReplicaId | null): void {
  const refuse = (words: string): void => out.effect({ type: 'transferred', ok: false, words })
  const { lead } = core
  if (lead === null || !isServing(core)) return refuse('this replica does not lead')
  if (lead.transfer !== null) return refuse(`a transfer to replica ${lead.transfer.to} is under way`)
  const target = to ?? bestSuccessor(core)
  if (target === null) return refuse('no other member of the view can be reached')
  if (target === core.self.id) return refuse(`replica ${target} leads already`)
  if (!currentView(core).members.some((member) => member.id === target))
    return refuse(`replica ${target} is not a member of the view`)
  if (!lead.progress.has(target)) return refuse(`replica ${target} cannot be reached`)
  lead.transfer = { to: target, since: core.now, asked: false }
  tickTransfer(core, out)
}

/**
 * The most advanced member; of those that have everything that is committed the one with the oldest link, because clients have had time to connect to it: one that has just come back is
 * as good for the log, and slower for them.
 */
function bestSuccessor(core: Core): ReplicaId | null {
  const { members } = currentView(core)
  let best: { id: ReplicaId; has: number } | null = null
  // In the order of their links.
  for (const { member, match } of core.lead?.progress.values() ?? []) {
    if (!members.some((named) => names(named, member))) continue
    const has = Math.min(match, core.commitIndex)
    if (best === null || has > best.has) best = { id: member.id, has }
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
  // Whoever leaves answers first what it took: afterwards it hears nothing any more.
  if (core.departure !== null && core.appliedIndex < core.log.last.index) return
  const address = addressOf(core, progress.member)
  if (address === undefined) return
  lead.transfer.asked = true
  lead.handedOver = true
  out.send(address, { type: 'timeoutNow', term: core.term })
}

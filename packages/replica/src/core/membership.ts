import { type Member, names, type View } from '@chatroom/election'
import { hasCaughtUp } from './catch-up.ts'
import type { MemberChange } from './events.ts'
import { appendView, commitWhatIsHeld } from './leader.ts'
import { neededVersion, versionOfAll } from './machine-version.ts'
import type { Outbox } from './outbox.ts'
import { becomeFollower } from './role.ts'
import { type Core, currentView, isServing, viewInForce } from './state.ts'

/** What the leader does to the view unasked: fail-stop removes the dead and adds returnees (rules 3 and 5). */
export function reviewView(core: Core, out: Outbox): void {
  const { lead } = core
  if (lead === null || core.halted !== null) return
  const view = currentView(core)
  const step = core.mode.viewStep({
    self: core.self,
    admitted: core.admitted,
    view,
    inForce: viewInForce(core) && isServing(core),
    isDead: (member) => core.deaths.isDead(member),
    caughtUp: lead.transfer === null ? caughtUp(core) : [],
  })
  if (step.type === 'stay') return raiseVersion(core, out)
  if (step.type === 'give up') {
    out.report({ type: 'gave up leading', term: core.term, why: step.why })
    becomeFollower(core, out, null)
    core.standAt = core.now
    return
  }
  appendView(core, out, step.view)
  commitWhatIsHeld(core, out)
}

/** Once all replicas can apply more, the log says so, before the first command that needs it. */
function raiseVersion(core: Core, out: Outbox): void {
  if (!isServing(core) || !viewInForce(core) || core.lead?.transfer !== null) return
  const version = versionOfAll(core)
  if (version <= neededVersion(core)) return
  appendView(core, out, { ...currentView(core), machineVersion: version })
  commitWhatIsHeld(core, out)
}

function caughtUp(core: Core): Member[] {
  const view = currentView(core)
  const found: Member[] = []
  for (const progress of core.lead?.progress.values() ?? []) {
    const peer = core.peers.get(progress.member.id)
    const named = view.members.find((member) => names(member, progress.member))
    if (named !== undefined && named.disk !== '') continue
    const silent = core.now - (peer?.heardAt ?? 0)
    if (progress.state !== 'replicate' || !hasCaughtUp(core, progress) || silent > core.limits.stallMs)
      continue
    // Every write would wait for it from then on.
    if (progress.fullSince !== null) continue
    found.push(progress.member)
  }
  return found
}

/** One change of the membership on request (majority mode; thesis §4.1: one at a time, the last one committed first). */
export function onChangeMembers(core: Core, out: Outbox, change: MemberChange): void {
  const refuse = (words: string): void => out.effect({ type: 'membersChanged', ok: false, words })
  const { lead } = core
  if (lead === null) return refuse('this replica does not lead: ask the leader')
  if (core.mode.namesIncarnations)
    return refuse(
      'in fail-stop mode members come and go by themselves: start a replica to add it, stop it to remove it',
    )
  if (!isServing(core) || !viewInForce(core) || lead.pendingChange !== null)
    return refuse('another change, or the first entry of this term, is not committed yet: try again')
  const next = changed(core, currentView(core), change)
  if (typeof next === 'string') return refuse(next)
  if (
    !core.mode.confirms(
      next,
      (member) => answers(core, member),
      () => false,
    )
  )
    return refuse(
      'of the members that would be left too few answer, and nothing could be committed any more: start those that are down first',
    )
  lead.pendingChange = core.log.last.index + 1
  appendView(core, out, next)
  commitWhatIsHeld(core, out)
}

/** A member that this leader has a link to, on the disk that the view counts on, and has heard a moment ago: a link to a host that is gone may stand for a while. */
function answers(core: Core, member: Member): boolean {
  if (names(member, core.self)) return true
  const progress = core.lead?.progress.get(member.id)
  const silent = core.now - (core.peers.get(member.id)?.heardAt ?? 0)
  return progress !== undefined && names(member, progress.member) && silent <= core.limits.stallMs
}

function changed(core: Core, view: View, change: MemberChange): View | string {
  const { id } = change
  const member = view.members.find((m) => m.id === id)
  const learner = view.learners.find((m) => m.id === id)
  const without = (list: readonly Member[]): Member[] => list.filter((m) => m.id !== id)
  const peer = core.peers.get(id)
  // One that is down may come back on another disk.
  const running = peer?.connected ? peer.member : null
  switch (change.type) {
    case 'addLearner':
      if (member !== undefined || learner !== undefined) return `replica ${id} is in the view already`
      if (running === null) return `replica ${id} cannot be reached: start it, then add it`
      return {
        ...view,
        learners: [...view.learners, { id, disk: running.disk, incarnation: 0 }].sort((a, b) => a.id - b.id),
      }
    case 'promote': {
      if (learner === undefined) return `replica ${id} is not a learner: add it as one first`
      const progress = core.lead?.progress.get(id)
      if (progress !== undefined && !names(learner, progress.member))
        return `replica ${id} has another disk than when it was added: remove it and add it again`
      if (progress === undefined || core.log.last.index - progress.match > core.limits.joinLagEntries)
        return `replica ${id} has not caught up yet: try again later`
      return {
        ...view,
        learners: without(view.learners),
        members: [...view.members, learner].sort((a, b) => a.id - b.id),
      }
    }
    case 'remove':
      if (member === undefined && learner === undefined) return `replica ${id} is not in the view`
      if (id === core.self.id) return 'the leader cannot remove itself: transfer the leadership first'
      if (view.members.length === 1 && member !== undefined) return 'the last member cannot be removed'
      return { ...view, members: without(view.members), learners: without(view.learners) }
  }
}

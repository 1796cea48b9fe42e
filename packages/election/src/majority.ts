import { type Member, names } from './member.ts'
import type { Candidacy, Leadership, Mode, StandRefusal, Verdict, ViewStep } from './mode.ts'
import type { View } from './view.ts'

/** Members needed for a decision: more than half. */
export function quorumSize(members: number): number {
  return Math.floor(members / 2) + 1
}

/**
 * Raft (Ongaro and Ousterhout 2014; Ongaro's thesis). Any two majorities share a member, so no proof of death is needed, and silence is enough
 * to elect anew. Survives the loss of fewer than half, and partitions.
 */
export const majority: Mode = {
  name: 'majority',
  namesIncarnations: false,
  onSilence: 'elect',
  readsNeedRound: true,

  commitIndex(view: View, durableAt: (member: Member) => number): number {
    // In falling order, a few numbers each time a follower answers: a sort would cost more than all the rest.
    const held: number[] = []
    for (const member of view.members) {
      const index = durableAt(member)
      let place = held.length
      for (let above = held[place - 1]; above !== undefined && above < index; above = held[place - 1])
        held[place--] = above
      held[place] = index
    }
    return held[quorumSize(held.length) - 1] ?? 0
  },

  elected(view, granted): boolean {
    return view.members.filter(granted).length >= quorumSize(view.members.length)
  },

  confirms(view, answered): boolean {
    return view.members.filter(answered).length >= quorumSize(view.members.length)
  },

  mayStand({ self, view, hasLeader }: Candidacy): Verdict<StandRefusal> {
    if (!view.members.some((member) => names(member, self))) return { yes: false, why: 'not in the view' }
    if (hasLeader) return { yes: false, why: 'has a leader' }
    return { yes: true }
  },

  // The members stay; the first leader of a new cluster writes its name down, once.
  openingView(): null {
    return null
  },

  // Members change only on request; what is done unasked is to pin a bootstrap member to the disk it was first seen with, which changes no quorum.
  viewStep({ self, view, inForce, caughtUp }: Leadership): ViewStep {
    if (!inForce) return { type: 'stay' }
    // Elected to commit the view that leaves it out; that is done.
    if (!view.members.some((member) => names(member, self)))
      return { type: 'give up', why: 'the view that leaves it out is in force' }
    const seen = [self, ...caughtUp].find((running) =>
      view.members.some((member) => member.id === running.id && member.disk === ''),
    )
    if (seen === undefined) return { type: 'stay' }
    const pin = (member: Member): Member => (member.id === seen.id ? { ...member, disk: seen.disk } : member)
    return { type: 'change', view: { ...view, members: view.members.map(pin) } }
  },

  crashesTolerated(view, up): number {
    return Math.max(0, up - quorumSize(view.members.length))
  },
}

import { type Member, names } from './member.ts'
import type { Candidacy, Leadership, Mode, StandRefusal, Verdict, ViewStep } from './mode.ts'
import type { View } from './view.ts'

/** Members needed for a decision: more than half. */
export function quorumSize(members: number): number {
  return Math.floor(members / 2) + 1
}

/**
 * The members that count for a decision. Once enough of them are pinned to their disks these alone do: a member that may be on any disk may be on a new one, which has
 * forgotten what it voted and what it held. Before that, in the first moments of a cluster, all do, or it could never begin. Every quorum is still more than half of all
 * members, so those of two views that differ in one pin share a member, as they do without pins.
 */
function countingMembers(view: View): readonly Member[] {
  const pinned = view.members.filter((member) => member.disk !== '')
  return pinned.length >= quorumSize(view.members.length) ? pinned : view.members
}

function hasQuorum(view: View, test: (member: Member) => boolean): boolean {
  return countingMembers(view).filter(test).length >= quorumSize(view.members.length)
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
    for (const member of countingMembers(view)) {
      const index = durableAt(member)
      let place = held.length
      for (let above = held[place - 1]; above !== undefined && above < index; above = held[place - 1])
        held[place--] = above
      held[place] = index
    }
    return held[quorumSize(view.members.length) - 1] ?? 0
  },

  elected(view, granted): boolean {
    return hasQuorum(view, granted)
  },

  confirms(view, answered): boolean {
    return hasQuorum(view, answered)
  },

  mayStand({ self, view, hasLeader }: Candidacy): Verdict<StandRefusal> {
    if (!countingMembers(view).some((member) => names(member, self)))
      return { yes: false, why: 'not in the view' }
    if (hasLeader) return { yes: false, why: 'has a leader' }
    return { yes: true }
  },

  // The members stay. The first leader of a new cluster pins those who elected it, so that no decision after that counts a disk that nobody knows.
  openingView(view, _isDead, voters): View | null {
    if (view.clusterId !== '') return null
    const pin = (member: Member): Member => {
      const voter = voters.find((running) => names(member, running))
      return voter === undefined ? member : { ...member, disk: voter.disk }
    }
    return { ...view, members: view.members.map(pin) }
  },

  // Members change only on request; what is done unasked is to pin a bootstrap member to the disk it was first seen with, so that it counts.
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

  // Those that do not count are taken for up: rather one too few than one too many.
  crashesTolerated(view, up): number {
    const useless = view.members.length - countingMembers(view).length
    return Math.max(0, up - useless - quorumSize(view.members.length))
  },
}

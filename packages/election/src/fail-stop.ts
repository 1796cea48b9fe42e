import { type Member, names } from './member.ts'
import type { Candidacy, Leadership, Mode, StandRefusal, Verdict, ViewStep } from './mode.ts'
import type { View } from './view.ts'

/**
 * Every member of the view holds every committed entry, so any one of them can go on alone; only a proof of death makes the view smaller
 * (ARCHITECTURE.md, "fail-stop"; the numbers are its rules). Survives all but one, where crashes can be told from silence.
 */
export const failStop: Mode = {
  name: 'fail-stop',
  namesIncarnations: true,
  onSilence: 'fence',
  // Rule 7: a leader whose view is in force is in every later view until it is proven dead.
  readsNeedRound: false,

  // Rule 2.
  commitIndex(view: View, durableAt: (member: Member) => number): number {
    let least = Number.POSITIVE_INFINITY
    for (const member of view.members) least = Math.min(least, durableAt(member))
    return least
  },

  // Rule 4: everybody who is not proven dead.
  elected(view, granted, isDead): boolean {
    return view.members.every((member) => granted(member) || isDead(member))
  },

  confirms(view, answered, isDead): boolean {
    return view.members.every((member) => answered(member) || isDead(member))
  },

  // Rules 4 and 6.
  mayStand({ admitted, hasLeader }: Candidacy): Verdict<StandRefusal> {
    if (!admitted) return { yes: false, why: 'is not admitted' }
    if (hasLeader) return { yes: false, why: 'has a leader' }
    return { yes: true }
  },

  openingView(view, isDead): View {
    return { ...view, members: view.members.filter((member) => !isDead(member)) }
  },

  viewStep({ self, admitted, view, inForce, isDead, caughtUp }: Leadership): ViewStep {
    const alive = view.members.filter((member) => names(member, self) || !isDead(member))
    if (alive.length < view.members.length) {
      // Rule 3.
      if (!admitted) return { type: 'give up', why: 'a member died before the first view was in force' }
      return { type: 'change', view: { ...view, members: alive } }
    }
    // Rule 5: one at a time, each in force before the next.
    const [joiner] = caughtUp
    if (!inForce || joiner === undefined || view.members.some((member) => member.id === joiner.id))
      return { type: 'stay' }
    return {
      type: 'change',
      view: { ...view, members: [...view.members, joiner].sort((a, b) => a.id - b.id) },
    }
  },

  // One admitted survivor is enough, and nothing less is.
  crashesTolerated(_view, _up, ready): number {
    return Math.max(0, ready - 1)
  },
}

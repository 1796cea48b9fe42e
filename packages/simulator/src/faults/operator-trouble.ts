import type { operatorFaults } from './fault.ts'
import type { Injector } from './stage.ts'

/** What the people do who run it, at any moment and with any replica. */
export const operatorTrouble: Record<(typeof operatorFaults)[number], Injector> = {
  'broken fencer'({ ms }, _host, { stage, until }) {
    stage.fencerBroken = true
    until(ms, () => {
      stage.fencerBroken = false
    })
  },

  transfer({ other, amount }, _host, { stage }) {
    stage.askLeader((leader) => leader.transferLeadership(amount < 0.5 ? undefined : other))
  },

  'add learner'(_fault, { id }, { stage }) {
    stage.askLeader((leader) => leader.changeMembers({ type: 'addLearner', id }))
  },

  promote(_fault, { id }, { stage }) {
    stage.askLeader((leader) => leader.changeMembers({ type: 'promote', id }))
  },

  // Two operators at once, or one who does not wait.
  'hasty operator'(_fault, { id }, { stage, random }) {
    for (const { id: each } of random.shuffled(stage.hosts))
      stage.askLeader((leader) =>
        leader.changeMembers({ type: each === id ? 'remove' : 'promote', id: each }),
      )
    stage.askLeader((leader) => leader.changeMembers({ type: 'addLearner', id }))
  },

  // At any moment, needed or not: some of what others hold may be lost with it, and with a disk that is, and nothing else.
  'forced recovery'({ amount }, { id }, { stage }) {
    stage.forceRecovery(amount < 0.7 ? id : null)
  },

  'remove member'(_fault, { id }, { stage }) {
    stage.askLeader((leader) => leader.changeMembers({ type: 'remove', id }))
  },
}

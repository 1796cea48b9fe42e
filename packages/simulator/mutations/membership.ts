import type { Mutation } from './mutation.ts'

const core = 'packages/replica/src/core'

/** In changes of the membership, and in leases. */
export const membershipMutations: readonly Mutation[] = [
  {
    name: 'two changes at a time',
    words: 'the membership changes again before the last change is committed (thesis 4.1)',
    edits: [
      {
        file: `${core}/membership.ts`,
        find: 'if (!isServing(core) || !viewInForce(core) || lead.pendingChange !== null)',
        replace: 'if (core.now < 0 && viewInForce(core) && isServing(core))',
      },
    ],
    profile: 'majority-membership',
    by: 'model',
    seedsNeeded: 250,
  },
  {
    name: 'learners count',
    words: 'an entry is committed by counting learners, who do not vote',
    edits: [
      {
        file: 'packages/election/src/majority.ts',
        find: 'for (const member of countingMembers(view)) {',
        replace: 'for (const member of [...countingMembers(view), ...view.learners]) {',
      },
    ],
    profile: 'majority-membership',
    by: 'model',
    seedsNeeded: 20,
  },
  {
    name: 'a replaced disk votes',
    words: 'a replica that lost its disk votes as if it remembered what it had',
    edits: [
      {
        file: 'packages/election/src/member.ts',
        find: "return named.id === running.id && (named.disk === '' || named.disk === running.disk)",
        replace: 'return named.id === running.id',
      },
    ],
    profile: 'majority-membership',
    by: 'registers',
    seedsNeeded: 80,
  },
  {
    name: 'a truncated view stays in effect',
    words: 'a view that was never committed and is cut off the log goes on deciding who counts',
    edits: [
      {
        file: `${core}/outbox.ts`,
        find: 'while (core.views.length > 1 && currentView(core).index >= from) core.views.pop()',
        replace: 'if (currentView(core).index < 0) core.views.pop()',
      },
    ],
    profile: 'majority-membership',
    by: 'registers',
    seedsNeeded: 60,
  },
  {
    name: 'a lease after a hand-over',
    words: 'a leader reads on its own though it has asked another to take over, which need not wait',
    edits: [
      {
        file: `${core}/reads.ts`,
        find: 'if (leaseClockDrift <= 0 || lead.transfer !== null || lead.handedOver) return false',
        replace: 'if (leaseClockDrift <= 0) return false',
      },
    ],
    profile: 'majority-lease',
    by: 'registers',
    seedsNeeded: 60,
  },
  {
    name: 'a lease that is too long',
    words: 'a leader reads on its own for longer than others wait before they elect another one',
    edits: [
      {
        file: `${core}/reads.ts`,
        find: 'return core.now - lead.confirmedAt < electionTimeoutMs * (1 - leaseClockDrift)',
        replace: 'return core.now - lead.confirmedAt < electionTimeoutMs * 4 * (1 - leaseClockDrift)',
      },
    ],
    profile: 'majority-lease',
    by: 'registers',
    seedsNeeded: 40,
  },
]

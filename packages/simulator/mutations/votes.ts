import type { Mutation } from './mutation.ts'

const core = 'packages/replica/src/core'

export const voteMutations: readonly Mutation[] = [
  {
    name: 'vote not persisted',
    words: 'a restarted voter votes again in the same term: two leaders',
    edits: [
      {
        file: `${core}/outbox.ts`,
        find: '{ term: core.term, votedFor: core.votedFor, clusterId: core.clusterId }',
        replace: '{ term: core.term, votedFor: null, clusterId: core.clusterId }',
      },
    ],
    profile: 'majority',
    by: 'model',
    seedsNeeded: 20,
  },
  {
    name: 'votes twice in a term',
    words: 'whoever asks gets the vote: two leaders',
    edits: [
      {
        file: `${core}/vote.ts`,
        find: 'core.votedFor !== null && core.votedFor !== from.id)',
        replace: 'core.votedFor !== null && core.votedFor === -1)',
      },
    ],
    profile: 'majority',
    by: 'model',
    seedsNeeded: 20,
  },
  {
    name: 'vote for a shorter log',
    words: 'the voter does not compare logs (Raft 5.4.1): a leader without committed entries',
    edits: [
      {
        file: `${core}/vote.ts`,
        find: "'distrusts its clock' : 'has a leader'\n  return core.log.isAtMost(request.last) ? null : 'log is more up to date'",
        replace: "'distrusts its clock' : 'has a leader'\n  return null",
      },
    ],
    profile: 'majority',
    by: 'registers',
    seedsNeeded: 20,
  },
  {
    name: 'commit of an older term',
    words: 'an entry of an older term is committed by counting (Raft 5.4.2, Figure 8)',
    edits: [
      {
        file: `${core}/leader.ts`,
        find: 'if (held > core.commitIndex && core.log.termAt(held) === core.term) {',
        replace: 'if (held > core.commitIndex) {',
      },
    ],
    profile: 'majority-young-leaders',
    by: 'registers',
    seedsNeeded: 10,
  },
  {
    name: 'commits what the leader has committed',
    words:
      'a follower takes the commit index for its own log, which may still differ beyond what was just matched',
    edits: [
      {
        file: `${core}/follower.ts`,
        find: 'Math.max(core.commitIndex, Math.min(message.commitIndex, match))',
        replace: 'Math.max(core.commitIndex, message.commitIndex)',
      },
    ],
    profile: 'majority-lease',
    by: 'registers',
    seedsNeeded: 40,
  },
  {
    name: 'vouches for its whole log',
    words: 'a follower answers a heartbeat with the end of its log, which the leader may not share',
    edits: [
      {
        file: `${core}/follower.ts`,
        find: 'accepted(core, Math.min(match, core.log.durable), round)',
        replace: 'accepted(core, core.log.durable, round)',
      },
    ],
    profile: 'majority-lease',
    by: 'registers',
    seedsNeeded: 40,
  },
  {
    name: 'vouches before the disk has it',
    words: 'a follower acknowledges entries that are on their way to its disk',
    edits: [
      {
        file: `${core}/follower.ts`,
        find: 'else out.sendVouching(from, accepted',
        replace: 'else out.send(from, accepted',
      },
    ],
    profile: 'fail-stop',
    by: 'registers',
    seedsNeeded: 10,
  },
  {
    name: 'reply before fsync',
    words: 'the leader counts its own entries before its disk has them, and applies them',
    edits: [
      {
        file: `${core}/leader.ts`,
        find: 'if (names(member, core.self)) return core.log.durable',
        replace: 'if (names(member, core.self)) return core.log.last.index',
      },
      {
        file: `${core}/commit.ts`,
        find: 'Math.min(core.commitIndex, core.log.durable)',
        replace: 'core.commitIndex',
      },
    ],
    profile: 'fail-stop',
    by: 'registers',
    seedsNeeded: 10,
  },
  {
    name: 'read without a round',
    words: 'a majority leader that was cut off or stopped answers reads from its own state',
    edits: [
      {
        file: 'packages/election/src/majority.ts',
        find: 'readsNeedRound: true',
        replace: 'readsNeedRound: false',
      },
    ],
    profile: 'majority-lease',
    by: 'registers',
    seedsNeeded: 40,
  },
  {
    name: 'reply of another command',
    words: 'a proposal is answered by whatever is applied at its index, after a change of leader',
    edits: [
      {
        file: 'packages/replica/src/shell/proposals.ts',
        find: 'if (group.term === term) return group.listener.replied(at, reply)',
        replace: 'if (group.term !== -1) return group.listener.replied(at, reply)',
      },
      {
        file: 'packages/replica/src/shell/shell.ts',
        find: 'return this.#proposals.fail(outcomeUnknown())',
        replace: 'return void outcomeUnknown()',
      },
    ],
    profile: 'majority-lease',
    by: 'registers',
    seedsNeeded: 20,
  },
  {
    name: 'truncation not persisted',
    words: 'a follower forgets to remove from its disk what it removed from its log',
    edits: [
      {
        file: `${core}/outbox.ts`,
        find: '  out.log(from, [])\n',
        replace: '',
      },
    ],
    profile: 'majority',
    by: 'registers',
    seedsNeeded: 10,
  },
]

import type { Mutation } from './mutation.ts'

const core = 'packages/replica/src/core'

/**
 * Not among them: a candidate that needs the best log already instead of adopting it. It keeps everything; what it leads to, two survivors that wait for each other
 * for ever, takes a chain of accidents that no number of seeds is sure to meet. The model meets it (`noadopt`), and a test of the core's rules tells it apart.
 */
export const failStopMutations: readonly Mutation[] = [
  {
    name: 'removal by timeout',
    words: 'a silent member is taken for dead without being killed: it may go on leading',
    edits: [
      {
        file: `${core}/timers.ts`,
        find: "    out.effect({ type: 'fence', hello: peer.hello, silentMs })",
        replace: '    core.deaths.prove(member)\n    reviewDeaths(core, out)',
      },
      {
        file: `${core}/timers.ts`,
        find: "import { sendHeartbeats } from './replicate.ts'",
        replace: "import { sendHeartbeats } from './replicate.ts'\nimport { reviewDeaths } from './peers.ts'",
      },
    ],
    profile: 'fail-stop',
    by: 'registers',
    seedsNeeded: 80,
  },
  {
    name: 'restarted replica counts itself in',
    words: 'a returnee takes itself for admitted because its own log names a former run of it',
    edits: [
      { file: `${core}/state.ts`, find: 'admitted: !mode.namesIncarnations,', replace: 'admitted: true,' },
    ],
    profile: 'fail-stop',
    by: 'registers',
    seedsNeeded: 10,
  },
  {
    name: 'admitted by its own log',
    words:
      'a replica stands for election because its log names it, before it knows that the view is in force',
    edits: [
      {
        file: `${core}/commit.ts`,
        find: 'if (view.index === 0 || view.index > core.commitIndex) continue',
        replace: 'if (view.index === 0) continue',
      },
    ],
    profile: 'fail-stop-half-views',
    by: 'registers',
    seedsNeeded: 20,
  },
  {
    name: 'recovery removes',
    words: 'a leader in recovery, not yet admitted, removes a member by proof',
    edits: [
      {
        file: 'packages/election/src/fail-stop.ts',
        find: 'if (!admitted) return { type',
        replace: 'if (view.index < 0) return { type',
      },
    ],
    profile: 'fail-stop-half-views',
    by: 'model',
    seedsNeeded: 120,
  },
  {
    name: 'recovery with a majority',
    words: 'after a crash of all, most members of the newest view are taken for enough',
    edits: [
      {
        file: 'packages/election/src/recovery.ts',
        find: 'if (missing.length > 0 ||',
        replace: 'if (missing.length >= newest.members.length / 2 ||',
      },
    ],
    profile: 'fail-stop',
    by: 'model',
    seedsNeeded: 15,
  },
  {
    name: 'recovery with whoever came back',
    words: 'after a crash of all, the first that are back go on',
    edits: [
      {
        file: 'packages/election/src/recovery.ts',
        find: 'if (missing.length > 0 ||',
        replace: 'if (',
      },
    ],
    profile: 'fail-stop',
    by: 'registers',
    seedsNeeded: 10,
  },
  {
    name: 'longest log wins',
    words:
      'recovery takes the longest log of all that came back, member of the newest view or not, whatever its terms',
    edits: [
      {
        file: 'packages/election/src/recovery.ts',
        find: 'for (const other of others) {\n    const ahead = other.last.term - leader.last.term || other.last.index - leader.last.index',
        replace:
          'for (const other of [...others, ...returnees]) {\n    const ahead = other.last.index - leader.last.index',
      },
      {
        file: `${core}/vote.ts`,
        find: "  if (compareViews(currentView(core), request.view) > 0) return 'knows a newer view'\n  return core.log.isAtMost(request.last) ? null : 'log is more up to date'",
        replace: '  return compareViews(currentView(core), request.view) > 9e9 ? "knows a newer view" : null',
      },
    ],
    profile: 'fail-stop-half-views',
    by: 'model',
    seedsNeeded: 150,
  },
  {
    name: 'a member without a record of the view',
    words: 'a view is taken for in force though a member of it has never said that it has it',
    edits: [
      {
        file: `${core}/leader.ts`,
        find: 'names(member, progress.member) ? progress.match : 0',
        replace:
          'names(member, progress.member) && progress.match > 0 ? progress.match : Number.POSITIVE_INFINITY',
      },
    ],
    profile: 'fail-stop',
    by: 'model',
    seedsNeeded: 10,
  },
  {
    name: 'refusal taken for more than it proves',
    words: 'a refused attempt is taken as proof about a run that was met after the attempt began',
    edits: [
      {
        file: 'packages/election/src/deaths.ts',
        find: "    for (const [disk, incarnation] of began.seen) raise(this.#ended, peer, disk, incarnation)\n  }\n\n  /** The peer's address answered",
        replace:
          "    for (const [disk, incarnation] of this.#seen.get(peer) ?? []) raise(this.#ended, peer, disk, incarnation)\n  }\n\n  /** The peer's address answered",
      },
    ],
    profile: 'fail-stop-half-views',
    by: 'model',
    seedsNeeded: 60,
  },
]

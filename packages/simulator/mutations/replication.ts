import type { Mutation } from './mutation.ts'

const core = 'packages/replica/src/core'
const shell = 'packages/replica/src/shell'

/** In what happens to a log between an election and an answer. */
export const replicationMutations: readonly Mutation[] = [
  {
    name: 'messages do not wait for their persist',
    words: 'whatever a message names, any finished persist lets it go',
    edits: [
      {
        file: `${shell}/shell.ts`,
        find: 'if (after !== null && after > persist) break',
        replace: 'if (after !== null && after > persist + 9e9) break',
      },
    ],
    profile: 'fail-stop',
    by: 'registers',
    seedsNeeded: 10,
  },
  {
    name: 'read before the first commit of the term',
    words: 'a new leader answers reads before it knows what its predecessor had committed (thesis 6.4)',
    edits: [
      {
        file: `${core}/reads.ts`,
        find: 'index: Math.max(core.commitIndex, lead.opening)',
        replace: 'index: core.commitIndex',
      },
    ],
    profile: 'fail-stop',
    by: 'registers',
    seedsNeeded: 30,
  },
  {
    name: 'snapshot keeps the first view',
    words: 'a snapshot carries an outdated view instead of the one at its index',
    edits: [
      {
        file: `${shell}/snapshotter.ts`,
        find: 'const view = viewAt(core, applied)',
        replace: 'const view = viewAt(core, core.log.before.index + 0 * applied)',
      },
    ],
    profile: 'fail-stop',
    by: 'registers',
    seedsNeeded: 80,
  },
  {
    name: 'entries after a snapshot are applied twice',
    words: 'entries that are read from the disk are applied though a snapshot brought them',
    edits: [
      {
        file: `${shell}/applier.ts`,
        find: 'if (entry.index === this.#applied + 1 && entry.index <= this.#target) this.#apply(entry)',
        replace: 'this.#apply(entry)',
      },
    ],
    profile: 'majority-lease',
    by: 'registers',
    seedsNeeded: 50,
  },
  {
    name: 'a snapshot without its state',
    words: 'a snapshot of the leader takes the place of the log, and not of the state',
    edits: [
      {
        file: `${shell}/snapshotter.ts`,
        find: 'await restore(this.#machine, this.#storage, this.#clock, this.#observer)\n      await this.#storage.resetToSnapshot()',
        replace: 'await this.#storage.resetToSnapshot()',
      },
    ],
    profile: 'fail-stop',
    by: 'registers',
    seedsNeeded: 60,
  },
  {
    name: 'a snapshot is installed before it is on the disk',
    words: 'a follower goes on from a snapshot whose file does not have its name yet',
    edits: [
      {
        file: `${shell}/snapshotter.ts`,
        find: 'await incoming.writer.commit()\n',
        replace: 'void incoming.writer.commit()\n',
      },
    ],
    profile: 'fail-stop',
    by: 'registers',
    seedsNeeded: 60,
  },
  {
    name: 'an answer is taken for a repair',
    words: 'a damaged disk counts as mended as soon as another replica has answered',
    edits: [
      {
        file: `${shell}/mending-attempts.ts`,
        find: 'if (copy.entries.length > 0 && (await storage.mend(damage, copy))) return null',
        replace: 'if (copy.entries.length > 0) return storage.size() < 0 ? damage.file : null',
      },
    ],
    profile: 'majority',
    by: 'registers',
    seedsNeeded: 20,
  },
  {
    name: 'a founded cluster lacks the last entry',
    words: 'a forced recovery founds the new cluster on all entries of its disk but the last one',
    edits: [
      {
        file: 'packages/replica/src/recovery.ts',
        find: "if (kind === 'command') applyPayload",
        replace: "if (kind === 'command' && index < last.index) applyPayload",
      },
    ],
    profile: 'fail-stop-beyond',
    seedsNeeded: 30,
  },
  {
    name: 'most of a view are enough',
    words: 'fail-stop commits what a majority holds: a survivor that lacks it goes on alone',
    edits: [
      {
        file: 'packages/election/src/fail-stop.ts',
        find: 'for (const member of view.members) least = Math.min(least, durableAt(member))\n    return least',
        replace:
          'const held = view.members.map(durableAt).sort((a, b) => b - a)\n    least = held[held.length >> 1] ?? least\n    return least',
      },
    ],
    profile: 'fail-stop',
    by: 'model',
    seedsNeeded: 10,
  },
]

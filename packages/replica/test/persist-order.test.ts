import type { Member } from '@chatroom/election'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Message } from '../src/core/messages.ts'
import { CoreCluster, type Node } from './core-cluster.ts'

/** What a message says of its sender's disk: why it must not have left yet, or null. */
function lie({ disk, core }: Node, to: Member, message: Message): string | null {
  const { hardState, entries } = disk
  switch (message.type) {
    case 'voteRequest':
      if (message.pre) return null
      return hardState.term === message.term && hardState.votedFor === core?.self.id ? null : 'own vote'
    case 'voteReply':
      if (message.pre || !message.granted) return hardState.term >= message.term ? null : 'term'
      return hardState.term === message.term && hardState.votedFor === to.id ? null : 'vote'
    case 'appended': {
      if (hardState.term < message.term) return 'term'
      if (!message.accepted) return null
      const last = entries.at(-1)?.index ?? 0
      const same = entries.every((entry) => entry.index > message.matchIndex || core?.log.has(entry))
      return last >= message.matchIndex && same
        ? null
        : `entries to ${message.matchIndex}, the disk has ${last}`
    }
    case 'append':
    case 'presence':
    case 'pull':
    case 'pulled':
    case 'timeoutNow':
    case 'leave':
    case 'leaveNoted':
    case 'snapshotChunk':
    case 'snapshotAck':
      return hardState.term >= message.term ? null : 'term'
  }
}

/** What may happen to a cluster of three whose disks finish when the schedule says so. */
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      what: fc.constant('pass' as const),
      id: fc.nat(2),
      ms: fc.integer({ min: 5, max: 150 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constantFrom('flush' as const, 'deliver' as const),
      id: fc.nat(2),
      ms: fc.nat(8),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constantFrom('hold' as const, 'release' as const),
      id: fc.nat(2),
      ms: fc.constant(0),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constant('propose' as const), id: fc.nat(2), ms: fc.constant(0) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      what: fc.constantFrom('crash' as const, 'start' as const),
      id: fc.nat(2),
      ms: fc.constant(0),
    }),
  },
)

function run(
  mode: 'fail-stop' | 'majority',
  schedule: readonly { what: string; id: number; ms: number }[],
): number {
  const cluster = new CoreCluster(mode, [0, 1, 2])
  let sent = 0
  cluster.onSend = (from, to, message) => {
    sent++
    const why = lie(from, to, message)
    if (why !== null) throw new Error(`${message.type} left ${from.id} before its disk had: ${why}`)
  }
  cluster.start(0, 1, 2)
  cluster.pass(600)
  for (const { what, id, ms } of schedule) {
    const up = cluster.node(id).core !== null
    if (what === 'pass') cluster.pass(ms)
    else if (what === 'hold') cluster.heldDisks.add(id)
    else if (what === 'release') cluster.heldDisks.delete(id)
    else if (what === 'flush') cluster.flush(id)
    else if (what === 'deliver') for (let count = 0; count < ms; count++) cluster.deliver()
    else if (what === 'propose') for (const leader of cluster.leaders()) cluster.propose(leader, `${ms}`)
    else if (what === 'crash' && up) cluster.crash(id)
    else if (what === 'start' && !up) cluster.start(id)
  }
  return sent
}

describe.each(['fail-stop', 'majority'] as const)('in %s mode', (mode) => {
  it('no message leaves before the disk has what it says', () => {
    let sent = 0
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), (schedule) => {
        sent += run(mode, schedule)
      }),
      { numRuns: 60, seed: 7 },
    )
    expect(sent).toBeGreaterThan(5_000)
  })
})

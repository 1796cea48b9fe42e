import { describe, expect, it } from 'vitest'
import { command, commands, member, OneCore, type OneCoreOptions, only } from './one-core.ts'
import { isolate, leaderOf, running } from './raft-cluster.ts'

const [B, C] = [member(1), member(2)]

/** Replica 0 leads in majority mode, elected by one of the others, is linked to both, and its first entry is committed and applied. */
function leader(options: OneCoreOptions = {}, voter = B): OneCore {
  const core = new OneCore(options)
  core.elect(voter)
  for (const peer of [B, C]) {
    core.connect(peer)
    core.receive(peer, core.appended({ round: 0 }))
  }
  core.happens({ type: 'applied', index: core.core.commitIndex })
  for (const peer of [B, C]) core.receive(peer, core.appended({}))
  expect(core.core.role).toBe('leader')
  return core
}

const answered = (core: OneCore): number[] =>
  core.effects.flatMap((effect) => (effect.type === 'readReady' ? [effect.ticket] : []))

describe('ReadIndex (thesis §6.4)', () => {
  it('a read waits for a round that began after it was asked', () => {
    const core = leader()
    const { round } = core.core.lead ?? { round: 0 }
    core.happens({ type: 'read', ticket: 1 })
    expect(core.core.lead?.round).toBe(round + 1)
    // An answer to the round before is no proof of now.
    core.receive(B, core.appended({ round }))
    expect(answered(core)).toEqual([])
    core.receive(B, core.appended({ round: round + 1 }))
    expect(answered(core)).toEqual([1])
  })

  it('reads that are asked while a round is under way share the next one', () => {
    const core = leader()
    core.happens({ type: 'read', ticket: 1 })
    const { round } = core.core.lead ?? { round: 0 }
    core.happens({ type: 'read', ticket: 2 })
    core.happens({ type: 'read', ticket: 3 })
    expect(core.core.lead?.round).toBe(round)
    core.receive(B, core.appended({ round }))
    expect(answered(core)).toEqual([1])
    core.receive(B, core.appended({ round: round + 1 }))
    expect(answered(core)).toEqual([1, 2, 3])
  })

  it('waits until what was committed when it was asked is applied', () => {
    const core = leader()
    core.happens({ type: 'propose', payloads: [new Uint8Array(1)], wallTime: 0 })
    core.receive(B, core.appended({}))
    core.happens({ type: 'read', ticket: 1 })
    core.receive(B, core.appended({}))
    expect(answered(core)).toEqual([])
    core.happens({ type: 'applied', index: core.core.commitIndex })
    expect(answered(core)).toEqual([1])
  })

  it('waits for the first entry of the term, before which the leader does not know what is committed', () => {
    const core = new OneCore({ entries: commands(1, 1) })
    core.elect(B)
    core.connect(B)
    core.happens({ type: 'read', ticket: 1 })
    core.receive(B, core.appended({ matchIndex: 2 }))
    core.happens({ type: 'applied', index: 2 })
    expect(answered(core)).toEqual([])
    core.receive(B, core.appended({}))
    core.happens({ type: 'applied', index: 3 })
    expect(answered(core)).toEqual([1])
  })

  it('is not answered by who does not lead any more, does not lead, or has too many already', () => {
    const cluster = running()
    const old = leaderOf(cluster)
    isolate(cluster, old)
    cluster.dispatch(old, { type: 'read', ticket: 1 })
    cluster.pass(3_000)
    const refused = cluster.effects.flatMap(({ effect }) => (effect.type === 'readRefused' ? [effect] : []))
    expect(refused).toEqual([{ type: 'readRefused', ticket: 1, why: 'not leader' }])
    const core = leader({ limits: { pendingReads: 1 } })
    core.happens({ type: 'read', ticket: 1 })
    expect(core.happens({ type: 'read', ticket: 2 })).toEqual([
      { type: 'readRefused', ticket: 2, why: 'overloaded' },
    ])
    const follower = new OneCore()
    expect(follower.happens({ type: 'read', ticket: 3 })).toEqual([
      { type: 'readRefused', ticket: 3, why: 'not leader' },
    ])
  })

  it('a leader alone answers at once', () => {
    const core = new OneCore({ members: [0] })
    core.elect()
    core.happens({ type: 'applied', index: core.core.commitIndex })
    core.happens({ type: 'read', ticket: 1 })
    expect(answered(core)).toEqual([1])
  })
})

describe('proposals', () => {
  const one = [new Uint8Array(100)]

  it('are refused by who does not lead', () => {
    expect(new OneCore().happens({ type: 'propose', payloads: one, wallTime: 0 })).toEqual([
      { type: 'proposalRefused', why: 'not leader' },
    ])
  })

  it('are refused when too much waits, and taken again when it is committed', () => {
    const core = leader({ limits: { uncommittedBytes: 300 } })
    const propose = (): unknown =>
      core
        .happens({ type: 'propose', payloads: one, wallTime: 0 })
        .find(({ type }) => type.startsWith('prop'))
    expect([propose(), propose(), propose()]).toMatchObject([
      { type: 'proposed' },
      { type: 'proposed' },
      { why: 'overloaded' },
    ])
    core.receive(B, core.appended({}))
    expect(propose()).toMatchObject({ type: 'proposed' })
  })

  it('get times that never go back, whatever the clock of a leader says', () => {
    const core = leader()
    core.happens({ type: 'propose', payloads: one, wallTime: 9_000_000 })
    core.happens({ type: 'propose', payloads: one, wallTime: 5 })
    const last = core.core.log.last.index
    expect([core.core.log.entryAt(last - 1)?.time, core.core.log.entryAt(last)?.time]).toEqual([
      9_000_000, 9_000_000,
    ])
    const next = new OneCore({ entries: [{ ...command(1, 1), time: 8_000_000 }] })
    next.elect(B)
    expect(next.core.log.entryAt(2)?.time).toBe(8_000_000)
  })
})

describe('handing leadership over (thesis §3.10)', () => {
  const words = (core: OneCore): string[] =>
    core.effects.flatMap((effect) => (effect.type === 'transferred' ? [effect.words] : []))
  const transfer = (core: OneCore, to: number | null): void => void core.happens({ type: 'transfer', to })

  it('waits until the other has everything, and takes nothing meanwhile', () => {
    const core = leader()
    core.happens({ type: 'propose', payloads: [new Uint8Array(1)], wallTime: 0 })
    transfer(core, 1)
    expect(only('timeoutNow', core.messages)).toEqual([])
    expect(core.happens({ type: 'propose', payloads: [new Uint8Array(1)], wallTime: 0 })).toEqual([
      { type: 'proposalRefused', why: 'not ready' },
    ])
    expect(only('timeoutNow', core.receive(B, core.appended({})))).toEqual([
      { type: 'timeoutNow', term: core.core.term },
    ])
    // It is asked once.
    core.receive(B, core.appended({}))
    expect(only('timeoutNow', core.messages)).toHaveLength(1)
    core.receive(B, core.voteRequest({ transfer: true }))
    expect(core.core.role).toBe('follower')
    expect(core.effects).toContainEqual({
      type: 'transferred',
      ok: true,
      words: 'this replica no longer leads',
    })
  })

  it('goes to the most advanced follower if nobody is named', () => {
    const core = leader({}, C)
    core.happens({ type: 'propose', payloads: [new Uint8Array(1)], wallTime: 0 })
    core.receive(C, core.appended({}))
    transfer(core, null)
    expect(core.core.lead?.transfer?.to).toBe(2)
  })

  it('goes to one that has long been there rather than to one that has just come back: clients are connected to it', () => {
    const core = leader()
    core.connect(member(1, 2))
    for (const peer of [member(1, 2), C]) core.receive(peer, core.appended({}))
    transfer(core, null)
    expect(core.core.lead?.transfer?.to).toBe(2)
  })

  it('is given up after its time, and the leader goes on', () => {
    const core = leader({}, C)
    core.happens({ type: 'propose', payloads: [new Uint8Array(1)], wallTime: 0 })
    transfer(core, 1)
    for (let passed = 0; passed <= core.core.limits.transferMs; passed += 50) {
      core.tick(50)
      core.receive(C, core.appended({}))
    }
    expect(words(core)).toEqual([expect.stringContaining('did not take over within')])
    expect(core.core).toMatchObject({ role: 'leader', lead: { transfer: null } })
  })

  it('is refused where it cannot be done, in words', () => {
    const follower = new OneCore()
    transfer(follower, 1)
    expect(words(follower)).toEqual(['this replica does not lead'])
    const core = leader({ members: [0, 1, 2] })
    transfer(core, 0)
    transfer(core, 7)
    core.happens({ type: 'observe', observation: { type: 'disconnected', peer: 2 } })
    transfer(core, 2)
    core.happens({ type: 'propose', payloads: [new Uint8Array(1)], wallTime: 0 })
    transfer(core, 1)
    transfer(core, 1)
    expect(words(core)).toEqual([
      'replica 0 leads already',
      'replica 7 is not a member of the view',
      'replica 2 cannot be reached',
      'a transfer to replica 1 is under way',
    ])
    const alone = new OneCore({ members: [0] })
    alone.elect()
    transfer(alone, null)
    expect(words(alone)).toEqual(['no other member of the view can be reached'])
  })

  it('the other stands at once, and only at the wish of its own leader and term', () => {
    const core = new OneCore()
    core.receive(B, core.append({ term: 3 }))
    core.receive(B, { type: 'timeoutNow', term: 2 })
    core.receive(C, { type: 'timeoutNow', term: 3 })
    expect(core.core.role).toBe('follower')
    core.connect(C)
    core.receive(B, { type: 'timeoutNow', term: 3 })
    expect(core.core).toMatchObject({
      role: 'candidate',
      term: 4,
      campaign: { transfer: true, phase: 'vote' },
    })
    core.receive(C, core.voteReply())
    expect(core.core.role).toBe('leader')
  })

  it('one that may not stand does not', () => {
    const core = new OneCore({ mode: 'fail-stop' })
    core.receive(B, core.append({ term: 3 }))
    core.receive(B, { type: 'timeoutNow', term: 3 })
    expect(core.core.role).toBe('follower')
  })
})

import { describe, expect, it } from 'vitest'
import { currentView } from '../src/core/state.ts'
import type { MemberChange } from '../src/index.ts'
import { CoreCluster } from './core-cluster.ts'
import { member, OneCore } from './one-core.ts'
import { leaderOf, running } from './raft-cluster.ts'

const [B, C] = [member(1), member(2)]

/** What a leader answers to a change, after its own disk. */
function answers(core: OneCore, change: MemberChange): string[] {
  const before = core.effects.length
  core.happens({ type: 'changeMembers', change, wallTime: 0 })
  return core.effects
    .slice(before)
    .flatMap((effect) => (effect.type === 'membersChanged' ? [effect.words] : []))
}

/** Replica 0 leads 1 and 2 in majority mode; all are pinned to their disks, and that is committed. */
function leader(): OneCore {
  const core = new OneCore({ members: [0, 1, 2], limits: { joinLagEntries: 2 } })
  core.elect(B, C)
  for (const peer of [B, C]) core.connect(peer)
  for (let round = 0; round < 6; round++) {
    core.tick(10)
    for (const peer of [B, C]) core.receive(peer, core.appended({}))
  }
  expect(core.view.members.map(({ disk }) => disk)).toEqual(['disk0', 'disk1', 'disk2'])
  return core
}

describe('changes of the members in majority mode (thesis §4)', () => {
  it('a replica is first a learner, which gets the log and does not count, then a member', () => {
    const cluster = running(4)
    const old = leaderOf(cluster)
    const moved = (old + 1) % 4
    const change = (type: MemberChange['type']): void => {
      cluster.dispatch(old, { type: 'changeMembers', change: { type, id: moved }, wallTime: cluster.now })
      cluster.settle()
    }
    change('remove')
    change('addLearner')
    expect(currentView(cluster.core(old)).learners.map(({ id }) => id)).toEqual([moved])
    cluster.propose(old, 'a')
    cluster.settle()
    cluster.pass(100)
    expect(cluster.commands(moved)).toEqual(['a'])
    // With the learner and the leader alone there is no majority of three.
    const others = [0, 1, 2, 3].filter((id) => id !== old && id !== moved)
    for (const id of others) cluster.heldDisks.add(id)
    cluster.propose(old, 'b')
    cluster.settle()
    expect(cluster.commands(old)).toEqual(['a'])
    cluster.heldDisks.clear()
    cluster.settle()
    change('promote')
    expect(currentView(cluster.core(old)).members.map(({ id }) => id)).toEqual([0, 1, 2, 3])
    expect(currentView(cluster.core(old)).learners).toEqual([])
  })

  it('one at a time: the next when the last one is committed', () => {
    const core = leader()
    expect(answers(core, { type: 'remove', id: 1 })).toEqual([])
    expect(answers(core, { type: 'remove', id: 2 })).toEqual([
      expect.stringContaining('is not committed yet'),
    ])
    core.receive(C, core.appended({}))
    expect(core.effects).toContainEqual({
      type: 'membersChanged',
      ok: true,
      words: 'the change is committed',
    })
    expect(core.view.members.map(({ id }) => id)).toEqual([0, 2])
  })

  it('not before an entry of the term is committed (the bug of 2015)', () => {
    const core = new OneCore()
    core.elect(B)
    expect(answers(core, { type: 'remove', id: 1 })).toEqual([
      expect.stringContaining('is not committed yet'),
    ])
  })

  it('are refused where they make no sense, in words', () => {
    const core = leader()
    expect(answers(core, { type: 'addLearner', id: 1 })).toEqual(['replica 1 is in the view already'])
    expect(answers(core, { type: 'addLearner', id: 6 })).toEqual([
      'replica 6 cannot be reached: start it, then add it',
    ])
    expect(answers(core, { type: 'promote', id: 6 })).toEqual([
      'replica 6 is not a learner: add it as one first',
    ])
    expect(answers(core, { type: 'remove', id: 6 })).toEqual(['replica 6 is not in the view'])
    expect(answers(core, { type: 'remove', id: 0 })).toEqual([
      'the leader cannot remove itself: transfer the leadership first',
    ])
    const follower = new OneCore()
    expect(answers(follower, { type: 'remove', id: 1 })).toEqual([
      'this replica does not lead: ask the leader',
    ])
  })

  it('a learner that lags is not promoted', () => {
    const core = leader()
    answers(core, { type: 'remove', id: 1 })
    core.receive(C, core.appended({}))
    answers(core, { type: 'addLearner', id: 1 })
    core.receive(C, core.appended({}))
    core.receive(B, core.appended({ matchIndex: 0 }))
    for (let count = 0; count < 4; count++)
      core.happens({ type: 'propose', payloads: [new Uint8Array(1)], wallTime: 0 })
    core.receive(C, core.appended({}))
    const lagging = core.core.lead?.progress.get(1)
    if (lagging === undefined) throw new Error('no progress')
    lagging.match = 0
    expect(answers(core, { type: 'promote', id: 1 })).toEqual([
      'replica 1 has not caught up yet: try again later',
    ])
    core.happens({ type: 'observe', observation: { type: 'disconnected', peer: 1 } })
    expect(answers(core, { type: 'promote', id: 1 })).toHaveLength(1)
  })

  it('a replica that is down is not added: it may come back on another disk', () => {
    const core = leader()
    answers(core, { type: 'remove', id: 1 })
    core.receive(C, core.appended({}))
    core.refuse(1)
    expect(answers(core, { type: 'addLearner', id: 1 })).toEqual([
      'replica 1 cannot be reached: start it, then add it',
    ])
    core.connect(member(1, 1, 'new disk'))
    answers(core, { type: 'addLearner', id: 1 })
    expect(core.view.learners).toEqual([{ id: 1, disk: 'new disk', incarnation: 0 }])
  })

  it('the last member stays', () => {
    const core = new OneCore({ members: [0] })
    core.elect()
    core.tick(10)
    expect(answers(core, { type: 'remove', id: 0 })).toHaveLength(1)
  })

  it('a learner is removed like a member', () => {
    const core = leader()
    answers(core, { type: 'remove', id: 1 })
    core.receive(C, core.appended({}))
    answers(core, { type: 'addLearner', id: 1 })
    core.receive(C, core.appended({}))
    answers(core, { type: 'remove', id: 1 })
    core.receive(C, core.appended({}))
    expect(core.view).toMatchObject({ members: [{ id: 0 }, { id: 2 }], learners: [] })
  })

  it('one that is not committed when leadership ends is told as unknown', () => {
    const core = leader()
    answers(core, { type: 'remove', id: 1 })
    core.receive(C, core.appended({ term: 99, accepted: false }))
    const told = core.effects.flatMap((effect) =>
      effect.type === 'membersChanged' && !effect.ok ? [effect.words] : [],
    )
    expect(told).toEqual([expect.stringContaining('leadership ended before the change was committed')])
  })

  it('a removed replica whose view is out of date does not disturb the others (pre-vote)', () => {
    const cluster = new CoreCluster('majority', [0, 1, 2, 3])
    cluster.start(0, 1, 2, 3)
    cluster.pass(1_500)
    const leading = leaderOf(cluster)
    const gone = (leading + 1) % 4
    cluster.cut.add(`${leading}>${gone}`)
    cluster.dispatch(leading, {
      type: 'changeMembers',
      change: { type: 'remove', id: gone },
      wallTime: cluster.now,
    })
    cluster.settle()
    const { term } = cluster.core(leading)
    cluster.pass(5_000)
    expect(leaderOf(cluster)).toBe(leading)
    expect(cluster.core(leading).term).toBe(term)
  })

  it('in fail-stop mode members come and go by themselves', () => {
    const cluster = new CoreCluster('fail-stop', [0, 1])
    cluster.start(0, 1)
    cluster.pass(200)
    cluster.dispatch(0, { type: 'changeMembers', change: { type: 'remove', id: 1 }, wallTime: 0 })
    const told = cluster.effects.flatMap(({ effect }) =>
      effect.type === 'membersChanged' ? [effect.words] : [],
    )
    expect(told).toEqual([expect.stringContaining('by themselves')])
  })
})

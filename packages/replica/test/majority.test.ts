import { describe, expect, it } from 'vitest'
import { crashesTolerated } from '../src/core/explain.ts'
import { currentView } from '../src/core/state.ts'
import { CoreCluster } from './core-cluster.ts'
import { member, OneCore, viewEntry, viewOf } from './one-core.ts'
import { isolate, leaderOf, running } from './raft-cluster.ts'

describe('majority', () => {
  it('elects one leader, commits with a majority, tolerates one crash of three', () => {
    const cluster = running()
    const leader = leaderOf(cluster)
    expect(crashesTolerated(cluster.core(leader))).toBe(1)
    const [held] = [0, 1, 2].filter((id) => id !== leader)
    cluster.heldDisks.add(held ?? -1)
    cluster.propose(leader, 'a')
    cluster.settle()
    expect(cluster.commands(leader)).toEqual(['a'])
  })

  it('pins the members to the disks they were first seen with', () => {
    const cluster = running()
    expect(currentView(cluster.core(leaderOf(cluster))).members.map((m) => m.disk)).toEqual([
      'disk0',
      'disk1',
      'disk2',
    ])
  })

  it('a member that may be on any disk makes nobody a leader once two of three are pinned: it may have forgotten what it held', () => {
    const open = { id: 2, disk: '', incarnation: 0 }
    const core = new OneCore({ entries: [viewEntry(1, 1, viewOf(member(0), member(1), open))] })
    core.elect(member(2))
    expect(core.core).toMatchObject({ role: 'candidate', campaign: { phase: 'pre' } })
    core.elect(member(1))
    expect(core.core.role).toBe('leader')
  })

  it('a first leader that nobody heard joins the cluster that the others found', () => {
    const cluster = new CoreCluster('majority', [0, 1, 2])
    cluster.start(0, 1, 2)
    while (cluster.leaders().length === 0) {
      cluster.now += 10
      for (const id of [0, 1, 2]) cluster.dispatch(id, { type: 'tick', wallTime: cluster.now })
      const happens = (): boolean => cluster.deliver() || [0, 1, 2].some((id) => cluster.flush(id))
      while (cluster.leaders().length === 0 && happens());
    }
    const first = leaderOf(cluster)
    isolate(cluster, first)
    cluster.settle()
    expect(cluster.node(first).disk.entries).toHaveLength(1)
    expect(cluster.node(first).disk.hardState.clusterId).toBe('')
    cluster.crash(first)
    cluster.pass(2_000)
    cluster.cut.clear()
    cluster.start(first)
    cluster.pass(1_000)
    const founded = cluster.core(leaderOf(cluster)).clusterId
    expect(founded).not.toBe(`cluster-of-${first}`)
    expect(cluster.node(first).disk.hardState.clusterId).toBe(founded)
  })

  it('a cut-off leader steps down and commits nothing; the others go on; healing loses nothing', () => {
    const cluster = running()
    const old = leaderOf(cluster)
    isolate(cluster, old)
    cluster.propose(old, 'lost')
    cluster.pass(3_000)
    const leader = leaderOf(cluster)
    expect(leader).not.toBe(old)
    expect(cluster.core(old).role).not.toBe('leader')
    expect(cluster.commands(old)).toEqual([])
    cluster.propose(leader, 'kept')
    cluster.settle()
    cluster.cut.clear()
    cluster.pass(2_000)
    expect(cluster.commands(old)).toEqual(['kept'])
    expect(cluster.leaders()).toHaveLength(1)
  })

  it('a cut-off follower that comes back does not depose the leader (pre-vote)', () => {
    const cluster = running()
    const leader = leaderOf(cluster)
    const { term } = cluster.core(leader)
    const follower = (leader + 1) % 3
    isolate(cluster, follower)
    cluster.pass(5_000)
    cluster.cut.clear()
    cluster.pass(2_000)
    expect(leaderOf(cluster)).toBe(leader)
    expect(cluster.core(leader).term).toBe(term)
  })

  it('elects anew after a crash of the leader, and the restarted one follows', () => {
    const cluster = running()
    const old = leaderOf(cluster)
    cluster.propose(old, 'a')
    cluster.settle()
    cluster.crash(old)
    cluster.pass(2_000)
    const leader = leaderOf(cluster)
    cluster.propose(leader, 'b')
    cluster.settle()
    cluster.start(old)
    cluster.pass(1_000)
    expect(cluster.commands(old)).toEqual(['a', 'b'])
  })

  it('two of three dead: nothing is committed, and status says for what it waits', () => {
    const cluster = running()
    const leader = leaderOf(cluster)
    const others = [0, 1, 2].filter((id) => id !== leader)
    cluster.crash(...others)
    cluster.propose(leader, 'a')
    cluster.pass(3_000)
    expect(cluster.commands(leader)).toEqual([])
    expect(cluster.leaders()).toEqual([])
    cluster.start(...others)
    cluster.pass(2_000)
    expect(cluster.leaders()).toHaveLength(1)
  })

  it('answers a read only after a round that began after it', () => {
    const cluster = running()
    const leader = leaderOf(cluster)
    isolate(cluster, leader)
    cluster.dispatch(leader, { type: 'read', ticket: 7 })
    cluster.settle()
    const answered = (): boolean =>
      cluster.effects.some(({ effect }) => effect.type === 'readReady' && effect.ticket === 7)
    expect(answered()).toBe(false)
    cluster.cut.clear()
    cluster.pass(100)
    expect(answered()).toBe(true)
  })

  it('hands leadership over on request', () => {
    const cluster = running()
    const old = leaderOf(cluster)
    const target = (old + 1) % 3
    cluster.propose(old, 'a')
    cluster.dispatch(old, { type: 'transfer', to: target })
    cluster.settle()
    expect(leaderOf(cluster)).toBe(target)
    cluster.pass(100)
    expect(cluster.effects.some(({ effect }) => effect.type === 'transferred' && effect.ok)).toBe(true)
  })

  it('gives a hand-over up when the other replica ends', () => {
    const cluster = running()
    const old = leaderOf(cluster)
    const target = (old + 1) % 3
    cluster.heldDisks.add(target)
    cluster.propose(old, 'a')
    cluster.dispatch(old, { type: 'transfer', to: target })
    cluster.settle()
    cluster.crash(target)
    cluster.pass(20)
    const answers = cluster.effects.filter(({ effect }) => effect.type === 'transferred')
    expect(answers.map(({ effect }) => effect.type === 'transferred' && effect.ok)).toEqual([false])
    cluster.propose(old, 'b')
    cluster.settle()
    expect(cluster.commands(old)).toEqual(['a', 'b'])
  })

  it('changes the membership one at a time', () => {
    const cluster = running(4)
    const leader = leaderOf(cluster)
    const gone = (leader + 1) % 4
    cluster.dispatch(leader, {
      type: 'changeMembers',
      change: { type: 'remove', id: gone },
      wallTime: cluster.now,
    })
    cluster.settle()
    expect(currentView(cluster.core(leader)).members.map((m) => m.id)).not.toContain(gone)
    cluster.dispatch(leader, {
      type: 'changeMembers',
      change: { type: 'addLearner', id: gone },
      wallTime: cluster.now,
    })
    cluster.settle()
    cluster.dispatch(leader, {
      type: 'changeMembers',
      change: { type: 'promote', id: gone },
      wallTime: cluster.now,
    })
    cluster.settle()
    expect(currentView(cluster.core(leader)).members.map((m) => m.id)).toEqual([0, 1, 2, 3])
    const answers = cluster.effects
      .filter(({ effect }) => effect.type === 'membersChanged')
      .map(({ effect }) => effect)
    expect(answers.map((effect) => effect.type === 'membersChanged' && effect.ok)).toEqual([true, true, true])
  })

  it('refuses a change after which too few members would answer', () => {
    const cluster = running()
    const leader = leaderOf(cluster)
    const [down = -1, healthy = -1] = [0, 1, 2].filter((id) => id !== leader)
    cluster.crash(down)
    const before = currentView(cluster.core(leader))
    cluster.dispatch(leader, {
      type: 'changeMembers',
      change: { type: 'remove', id: healthy },
      wallTime: cluster.now,
    })
    expect(currentView(cluster.core(leader))).toBe(before)
    cluster.dispatch(leader, {
      type: 'changeMembers',
      change: { type: 'remove', id: down },
      wallTime: cluster.now,
    })
    cluster.settle()
    expect(currentView(cluster.core(leader)).members.map((m) => m.id)).not.toContain(down)
  })
})

import { describe, expect, it } from 'vitest'
import { crashesTolerated, explainWaiting, roleOf } from '../src/core/explain.ts'
import { currentView } from '../src/core/state.ts'
import { CoreCluster } from './core-cluster.ts'

function running(): CoreCluster {
  const cluster = new CoreCluster('fail-stop', [0, 1, 2])
  cluster.start(0, 1, 2)
  cluster.pass(200)
  return cluster
}

const viewIds = (cluster: CoreCluster, id: number): number[] =>
  currentView(cluster.core(id)).members.map((m) => m.id)

describe('fail-stop', () => {
  it('forms a cluster with the lowest id as leader once all members are there', () => {
    const cluster = new CoreCluster('fail-stop', [0, 1, 2])
    cluster.start(0, 1)
    cluster.pass(500)
    expect(cluster.leaders()).toEqual([])
    expect(explainWaiting(cluster.core(0))[0]).toMatchObject({
      for: 'members of the newest view',
      replicas: [2],
    })
    cluster.start(2)
    cluster.pass(200)
    expect(cluster.leaders()).toEqual([0])
    expect(cluster.core(1).admitted && cluster.core(2).admitted).toBe(true)
    expect(crashesTolerated(cluster.core(0))).toBe(2)
    expect(new Set([0, 1, 2].map((id) => cluster.core(id).clusterId)).size).toBe(1)
  })

  it('commits what every member has on disk, and nothing before', () => {
    const cluster = running()
    cluster.heldDisks.add(2)
    cluster.propose(0, 'a')
    cluster.settle()
    expect(cluster.commands(0)).toEqual([])
    expect(explainWaiting(cluster.core(0))[0]).toMatchObject({
      for: 'acknowledgement of a slow member',
      replicas: [2],
    })
    cluster.heldDisks.clear()
    cluster.settle()
    expect(cluster.commands(0)).toEqual(['a'])
    cluster.pass(100)
    expect(cluster.commands(2)).toEqual(['a'])
  })

  it('goes on after the leader died, and after the next one died', () => {
    const cluster = running()
    cluster.propose(0, 'a')
    cluster.settle()
    cluster.crash(0)
    cluster.pass(200)
    expect(cluster.leaders()).toEqual([1])
    expect(viewIds(cluster, 1)).toEqual([1, 2])
    cluster.propose(1, 'b')
    cluster.settle()
    expect(cluster.commands(1)).toEqual(['a', 'b'])
    cluster.crash(1)
    cluster.pass(200)
    expect(cluster.leaders()).toEqual([2])
    cluster.propose(2, 'c')
    cluster.settle()
    expect(cluster.commands(2)).toEqual(['a', 'b', 'c'])
    expect(crashesTolerated(cluster.core(2))).toBe(0)
  })

  it('goes on alone when two die at once', () => {
    const cluster = running()
    cluster.propose(0, 'a')
    cluster.settle()
    cluster.crash(0, 1)
    cluster.pass(300)
    expect(cluster.leaders()).toEqual([2])
    expect(cluster.commands(2)).toEqual(['a'])
  })

  it('leaves no time to a survivor that turns out to be dead, too', () => {
    const cluster = running()
    cluster.crash(0, 1)
    // The death of the leader was proven first: it was the turn of 1 for a moment.
    cluster.pass(cluster.core(2).limits.standStaggerMs / 2)
    expect(cluster.leaders()).toEqual([2])
  })

  it('leaves the first move to a lower id that lives', () => {
    const cluster = running()
    cluster.node(1).stopped = true
    cluster.crash(0)
    cluster.pass(cluster.core(2).limits.standStaggerMs / 2)
    expect(roleOf(cluster.core(2))).toBe('follower')
    cluster.pass(cluster.core(2).limits.standStaggerMs)
    expect(roleOf(cluster.core(2))).toBe('candidate')
  })

  it('takes a returnee back in, and can then lose the others', () => {
    const cluster = running()
    cluster.crash(0)
    cluster.pass(200)
    cluster.propose(1, 'a', 'b')
    cluster.settle()
    cluster.start(0)
    cluster.pass(300)
    expect(viewIds(cluster, 1)).toEqual([0, 1, 2])
    expect(roleOf(cluster.core(0))).toBe('follower')
    cluster.crash(1, 2)
    cluster.pass(300)
    expect(cluster.leaders()).toEqual([0])
    expect(cluster.commands(0)).toEqual(['a', 'b'])
  })

  it('after a total crash waits for the one that died last', () => {
    const cluster = running()
    cluster.propose(0, 'a')
    cluster.settle()
    cluster.crash(0)
    cluster.pass(200)
    cluster.propose(1, 'b')
    cluster.settle()
    cluster.crash(1)
    cluster.pass(200)
    cluster.propose(2, 'c')
    cluster.settle()
    cluster.crash(2)
    cluster.start(0, 1)
    cluster.pass(1_000)
    expect(cluster.leaders()).toEqual([])
    expect(explainWaiting(cluster.core(0))[0]).toMatchObject({ replicas: [2] })
    cluster.start(2)
    cluster.pass(500)
    expect(cluster.leaders()).toEqual([2])
    expect(cluster.commands(0)).toEqual(['a', 'b', 'c'])
    expect(viewIds(cluster, 0)).toEqual([0, 1, 2])
  })
})

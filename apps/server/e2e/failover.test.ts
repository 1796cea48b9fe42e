import { describe, expect, it } from 'vitest'
import { startCluster, type TestCluster } from './harness/cluster.ts'
import { Traffic } from './harness/traffic.ts'

async function leaderOf(cluster: TestCluster, members: readonly number[]): Promise<number> {
  return (await cluster.untilView(members)).id
}

function without(ids: readonly number[], ...gone: readonly number[]): number[] {
  return ids.filter((id) => !gone.includes(id))
}

const all = [0, 1, 2]

describe('kill -9 while clients send', () => {
  it('of the leader, then of the next one: nothing is lost, doubled or out of order, and nobody logs in again', async () => {
    const cluster = await startCluster()
    const traffic = await Traffic.begin(cluster)
    await traffic.more(500)

    const first = await leaderOf(cluster, all)
    await cluster.replica(first).kill()
    await traffic.more(500)

    const second = await leaderOf(cluster, without(all, first))
    await cluster.replica(second).kill()
    await traffic.more(500)

    const last = await cluster.untilView(without(all, first, second))
    expect(last.crashesTolerated).toBe(0)
    await traffic.end()
    expect(traffic.check()).toEqual([])
    expect(await traffic.leftOver()).toEqual([])
  })

  it('of two replicas at the same instant: the last one goes on alone', async () => {
    const cluster = await startCluster()
    const traffic = await Traffic.begin(cluster)
    await traffic.more(500)
    const leader = await leaderOf(cluster, all)
    const [follower, survivor] = without(all, leader)
    if (follower === undefined || survivor === undefined) throw new Error('no followers')
    cluster.replica(leader).signal('SIGKILL')
    cluster.replica(follower).signal('SIGKILL')
    await traffic.more(500)
    expect((await cluster.untilView([survivor])).id).toBe(survivor)
    await traffic.end()
    expect(traffic.check()).toEqual([])
    expect(await traffic.leftOver()).toEqual([])
  })

  it('of both followers at the same instant: the leader goes on alone', async () => {
    const cluster = await startCluster()
    const traffic = await Traffic.begin(cluster)
    await traffic.more(500)
    const leader = await leaderOf(cluster, all)
    for (const id of without(all, leader)) cluster.replica(id).signal('SIGKILL')
    await traffic.more(500)
    expect((await cluster.untilView([leader])).id).toBe(leader)
    await traffic.end()
    expect(traffic.check()).toEqual([])
    expect(await traffic.leftOver()).toEqual([])
  })
})

describe('a killed replica that comes back', () => {
  it('catches up while the others run and counts again: it goes on alone with everything', async () => {
    const cluster = await startCluster()
    const traffic = await Traffic.begin(cluster)
    await traffic.more(200)
    const first = await leaderOf(cluster, all)
    await cluster.replica(first).kill()
    await traffic.more(500)
    cluster.start(first)
    const { id: second } = await cluster.untilView(all)
    await cluster.untilStatus(second, 'can lose two again', ({ crashesTolerated }) => crashesTolerated === 2)
    for (const id of without(all, first)) cluster.replica(id).signal('SIGKILL')
    await traffic.more(500)
    expect((await cluster.untilView([first])).id).toBe(first)
    await traffic.end()
    expect(traffic.check()).toEqual([])
    expect(await traffic.leftOver()).toEqual([])
  })
})

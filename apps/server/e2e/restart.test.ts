import { describe, expect, it } from 'vitest'
import { passwordOf, startCluster, type TestCluster } from './harness/cluster.ts'
import { Traffic } from './harness/traffic.ts'

const all = [0, 1, 2]

async function texts(messages: AsyncIterable<{ readonly text: string }>): Promise<string[]> {
  const found: string[] = []
  for await (const { text } of messages) found.push(text)
  return found
}

async function killAll(cluster: TestCluster): Promise<void> {
  for (const id of all) cluster.replica(id).signal('SIGKILL')
  await Promise.all(all.map((id) => cluster.replica(id).exited))
}

describe('all three replicas killed with kill -9', () => {
  it('at the same instant and started again: accounts, sessions and waiting messages are all there', async () => {
    const cluster = await startCluster()
    const alice = await cluster.loggedIn('alice')
    const bob = await cluster.loggedIn('bob')
    const ended: unknown[] = []
    for (const client of [alice, bob]) client.onSessionEnded((error) => ended.push(error))
    for (let n = 0; n < 20; n++) await alice.send('bob', `before ${n}`)

    await killAll(cluster)
    for (const id of all) cluster.start(id)
    await cluster.untilView(all)

    await alice.send('bob', 'after')
    const expected = [...Array.from({ length: 20 }, (_, n) => `before ${n}`), 'after']
    expect(await texts(bob.inbox({ follow: false }))).toEqual(expected)
    expect(ended).toEqual([])
    const stranger = await cluster.connect()
    await expect(stranger.login('bob', passwordOf('bob'))).rejects.toMatchObject({
      code: 'logged in elsewhere',
    })
  })

  it('while clients send: what was acknowledged is there, and the clients go on by themselves', async () => {
    const cluster = await startCluster()
    const traffic = await Traffic.begin(cluster)
    await traffic.more(500)
    await killAll(cluster)
    for (const id of all) cluster.start(id)
    await traffic.more(500)
    await traffic.end()
    expect(traffic.check()).toEqual([])
    expect(await traffic.leftOver()).toEqual([])
  })

  it('one after the other: the first two wait for the one that died last, and say so', async () => {
    const cluster = await startCluster()
    const alice = await cluster.loggedIn('alice')
    await cluster.loggedIn('bob')
    const order: number[] = []
    for (let left = [...all]; left.length > 0; left = left.filter((id) => !order.includes(id))) {
      const { id } = await cluster.untilView(left)
      await alice.send('bob', `with ${left.length}`)
      await cluster.replica(id).kill()
      order.push(id)
    }
    const [first, second, last] = order
    if (first === undefined || second === undefined || last === undefined)
      throw new Error('not all were killed')

    for (const id of [first, second]) {
      cluster.start(id)
      const status = await cluster.untilStatus(id, `waits for replica ${last}`, ({ waiting }) =>
        waiting.some(({ replicas, words }) => replicas.includes(last) && words.includes(String(last))),
      )
      expect(status.serving).toBe(false)
    }
    // They wait: neither of them, nor both together, may go on without what only the last one may know.
    const both = [first, second].map((id) => cluster.untilStatus(id, 'answers', () => true))
    expect((await Promise.all(both)).map(({ serving }) => serving)).toEqual([false, false])

    cluster.start(last)
    await cluster.untilView(all)
    const bob = await cluster.connect()
    await bob.login('bob', passwordOf('bob'), { takeover: true })
    expect(await texts(bob.inbox({ follow: false }))).toEqual(['with 3', 'with 2', 'with 1'])
    await alice.send('bob', 'with all')
  })
})

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ChatClient, connect } from '../src/index.ts'
import { type FakeCluster, startFakeCluster } from '../src/testing/index.ts'
import { codeOf } from './outcome.ts'

let cluster: FakeCluster
let client: ChatClient

beforeEach(async () => {
  cluster = await startFakeCluster()
  for (const name of ['alice', 'bob']) cluster.chat.createAccount(name, name, 'secret')
  client = await connect({ servers: cluster.servers })
})

afterEach(async () => {
  await client.close()
  await cluster.stop()
})

describe('a session that is kept', () => {
  it('goes on in another client', async () => {
    expect(client.keptSession).toBeNull()
    await client.login('alice', 'secret')
    const kept = client.keptSession
    await client.close({ logout: false })
    expect(cluster.chat.openSessions).toBe(1)
    await using other = await connect({ servers: cluster.servers })
    other.resume(kept ?? { token: '' })
    await other.send('bob', 'hello')
    expect(cluster.chat.waiting('bob').map(({ text }) => text)).toEqual(['hello'])
    expect(() => other.resume({ token: 'another' })).toThrow('log out first')
    await other.logout()
    expect(cluster.chat.openSessions).toBe(0)
  })

  it('tells by its first request that it is over', async () => {
    client.resume({ token: 'unknown' })
    expect(await codeOf(client.touch())).toBe('not logged in')
    expect(client.keptSession).toBeNull()
  })
})

describe('a look at the replicas', () => {
  it('tells who leads, who answers and who does not', async () => {
    await cluster.replica(2).kill()
    const looks = await client.look()
    expect(looks.map(({ address, state }) => [address, state])).toEqual([
      [cluster.servers[0], 'leads'],
      [cluster.servers[1], 'answers'],
      [cluster.servers[2], 'silent'],
    ])
    expect(looks.map(({ ms }) => ms === null)).toEqual([false, false, true])
  })
})

describe('a search for the leader', () => {
  it('is told when it begins and when it is over', async () => {
    const heard: boolean[] = []
    await client.login('alice', 'secret')
    client.onSearch((searching) => heard.push(searching))
    await cluster.replica(0).kill()
    const sent = client.send('bob', 'hello')
    await expect.poll(() => heard).toEqual([true])
    cluster.lead(1)
    await sent
    expect(heard).toEqual([true, false])
  })
})

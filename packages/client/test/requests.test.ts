import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ChatClient, type ChatError, connect } from '../src/index.ts'
import { type FakeCluster, startFakeCluster } from '../src/testing/index.ts'
import { codeOf } from './outcome.ts'

let cluster: FakeCluster
let client: ChatClient

beforeEach(async () => {
  cluster = await startFakeCluster()
  client = await connect({ servers: cluster.servers })
})

afterEach(async () => {
  await client.close()
  await cluster.stop()
})

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const taken: T[] = []
  for await (const item of items) taken.push(item)
  return taken
}

describe('accounts and sessions', () => {
  it('creates an account, logs in and out', async () => {
    await client.createAccount('alice', 'secret')
    const login = await client.login('alice', 'secret', { idleTimeoutSeconds: 90 })
    expect(login).toEqual({ name: 'alice', idleTimeoutSeconds: 90, waiting: 0 })
    await client.logout()
    expect(cluster.chat.openSessions).toBe(0)
  })

  it('tells each refusal by its code', async () => {
    await client.createAccount('alice', 'secret')
    await client.createAccount('bob', 'secret')
    expect(await codeOf(client.createAccount('alice', 'other'))).toBe('name taken')
    expect(await codeOf(client.createAccount('', 'other'))).toBe('invalid name')
    expect(await codeOf(client.login('alice', 'wrong'))).toBe('wrong credentials')
    expect(await codeOf(client.login('nobody', 'wrong'))).toBe('wrong credentials')
    expect(await codeOf(client.send('bob', 'hi'))).toBe('not logged in')
    expect(await codeOf(client.logout())).toBe('not logged in')
    await client.login('alice', 'secret')
    expect(await codeOf(client.login('bob', 'secret'))).toBe('already logged in')
    expect(await codeOf(client.send('carol', 'hi'))).toBe('unknown recipient')
    expect(await codeOf(client.send('alice', 'hi'))).toBe('send to self')
    expect(await codeOf(client.send('bob', ''))).toBe('invalid text')
    expect(await codeOf(client.send('bob', 'x'.repeat(65_537)))).toBe('invalid text')
    expect(await codeOf(client.deleteAccount('bob'))).toBe('not confirmed')
  })

  it('gives each error the name of its gRPC code', async () => {
    await expect(client.login('nobody', 'x')).rejects.toMatchObject({ grpcCode: 'UNAUTHENTICATED' })
    await client.createAccount('alice', 'secret')
    await expect(client.createAccount('alice', 'x')).rejects.toMatchObject({ grpcCode: 'ALREADY_EXISTS' })
  })

  it('deletes the account of the session', async () => {
    await client.createAccount('alice', 'secret')
    await client.login('alice', 'secret')
    await client.deleteAccount('alice')
    expect(await all(client.list())).toEqual([])
    expect(await codeOf(client.send('bob', 'hi'))).toBe('not logged in')
  })

  it('refuses a second login, and with takeover tells the first session why it ended', async () => {
    await client.createAccount('alice', 'secret')
    await client.login('alice', 'secret')
    await using other = await connect({ servers: cluster.servers })
    expect(await codeOf(other.login('alice', 'secret'))).toBe('logged in elsewhere')
    const ended = new Promise<ChatError>((resolve) => client.onSessionEnded(resolve))
    const reading = codeOf(all(client.inbox()))
    await other.login('alice', 'secret', { takeover: true })
    expect((await ended).code).toBe('session taken over')
    expect(await reading).toBe('session taken over')
    expect(await codeOf(client.send('bob', 'hi'))).toBe('not logged in')
  })

  it('does not call its own logout news', async () => {
    await client.createAccount('alice', 'secret')
    await client.login('alice', 'secret')
    const news: string[] = []
    client.onSessionEnded((reason) => news.push(reason.code))
    const reading = codeOf(all(client.inbox()))
    await client.logout()
    expect(await reading).toBe('logged out')
    expect(news).toEqual([])
  })
})

describe('list', () => {
  it('gives the names that begin with a literal text, over many pages', async () => {
    const names = Array.from({ length: 2_500 }, (_, at) => `user${String(at).padStart(4, '0')}`)
    for (const name of [...names, 'another', 'us.*']) cluster.chat.createAccount(name, name, 'x')
    expect(await all(client.list('user'))).toEqual(names)
    expect(await all(client.list('us.*'))).toEqual(['us.*'])
    expect((await all(client.list())).length).toBe(2_502)
  })

  it('needs no session, also if there was one that has ended', async () => {
    await client.createAccount('alice', 'secret')
    await client.login('alice', 'secret')
    cluster.chat.endSession('alice', 'SESSION_EXPIRED')
    expect(await all(client.list())).toEqual(['alice'])
    expect(await codeOf(client.send('bob', 'hi'))).toBe('not logged in')
  })

  it('fetches a page only when it is wanted', async () => {
    for (let at = 0; at < 2_500; at++) cluster.chat.createAccount(`a${at}`, `user${at}`, 'x')
    const before = cluster.replica(0).requests.get('listAccounts') ?? 0
    for await (const name of client.list()) if (name !== '') break
    expect(cluster.replica(0).requests.get('listAccounts')).toBe(before + 1)
  })
})

describe('failover of a request', () => {
  it('follows the hint of a follower, also to a server that nobody named', async () => {
    await using alone = await connect({ servers: [cluster.replica(2).address] })
    await alone.createAccount('alice', 'secret')
    expect(alone.leader).toBe(cluster.replica(0).address)
  })

  it('moves when the leader moves, and says so', async () => {
    const switches: string[] = []
    client.onSwitch(({ from, to }) => switches.push(`${from} ${to}`))
    await client.createAccount('alice', 'secret')
    cluster.lead(1)
    await client.createAccount('bob', 'secret')
    expect(switches).toEqual([`${cluster.replica(0).address} ${cluster.replica(1).address}`])
  })

  it('waits through a time without a leader', async () => {
    cluster.lead(null)
    const created = client.createAccount('alice', 'secret')
    // The hint is wrong first: the others have not noticed the death yet.
    cluster.lead(null, cluster.replica(0).address)
    cluster.lead(2)
    await created
    expect(await all(client.list())).toEqual(['alice'])
  })

  it('goes on when the leader is killed', async () => {
    await client.createAccount('alice', 'secret')
    await client.login('alice', 'secret')
    await cluster.replica(0).kill()
    cluster.lead(1)
    await client.createAccount('bob', 'secret')
    await cluster.replica(1).kill()
    cluster.lead(2)
    await client.send('bob', 'still here')
    expect(cluster.chat.waiting('bob').map(({ text }) => text)).toEqual(['still here'])
  })

  it('does nothing twice when the reply is lost', async () => {
    cluster.replica(0).loseReplies(1)
    await client.createAccount('alice', 'secret')
    cluster.replica(0).loseReplies(1)
    await client.login('alice', 'secret')
    expect(cluster.chat.openSessions).toBe(1)
    await client.createAccount('bob', 'secret')
    expect(await client.send('bob', 'hi')).toEqual({ id: '1', recipientOnline: false })
  })

  it('leaves a leader that is stopped once another one leads', async () => {
    await using impatient = await connect({ servers: cluster.servers, tryTimeoutMs: 20 })
    await impatient.createAccount('alice', 'secret')
    cluster.replica(0).freeze()
    const created = impatient.createAccount('bob', 'secret')
    cluster.lead(1)
    await created
    expect(impatient.leader).toBe(cluster.replica(1).address)
  })

  it('stays with a slow leader as long as it leads', async () => {
    await using impatient = await connect({ servers: cluster.servers, tryTimeoutMs: 10 })
    await impatient.createAccount('alice', 'secret')
    cluster.replica(0).hold()
    const probes = (): number => cluster.replica(0).requests.get('listAccounts') ?? 0
    const before = probes()
    const created = impatient.createAccount('bob', 'secret')
    await expect.poll(() => probes() - before).toBeGreaterThan(2)
    cluster.replica(0).release()
    await created
    expect(cluster.replica(0).requests.get('createAccount')).toBe(2)
  })

  it('tries again after a pause at a leader that has too much to do', async () => {
    const refusing = {
      code: 'RESOURCE_EXHAUSTED',
      reason: 'OVERLOADED',
      message: 'busy',
      extra: { retryAfterMs: 5 },
    } as const
    cluster.replica(0).refuse(refusing)
    const created = client.createAccount('alice', 'secret')
    await expect.poll(() => cluster.replica(0).requests.get('createAccount')).toBeGreaterThan(1)
    cluster.lead(0)
    await created
  })
})

describe('when nothing helps', () => {
  it('says that no server answers', async () => {
    const { servers } = cluster
    await Promise.all(cluster.replicas.map((replica) => replica.kill()))
    const error: unknown = await connect({ servers, connectTimeoutMs: 50 }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'no server', grpcCode: 'UNAVAILABLE' })
  })

  it('connects to replicas none of which leads, and says so when a request runs out of time', async () => {
    cluster.lead(null)
    await using hopeful = await connect({ servers: cluster.servers, requestTimeoutMs: 50 })
    expect(await codeOf(hopeful.createAccount('alice', 'secret'))).toBe('no leader')
    expect(await codeOf(all(hopeful.list()))).toBe('no leader')
  })

  it('says that a request may have been done when nobody answered it', async () => {
    await using hopeful = await connect({ servers: cluster.servers, requestTimeoutMs: 50 })
    cluster.replica(0).hold()
    const error: unknown = await hopeful.createAccount('alice', 'secret').catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'outcome unknown', grpcCode: 'DEADLINE_EXCEEDED' })
    expect(error).toHaveProperty('requestId', expect.stringMatching(/^[0-9a-f-]{36}$/))
  })

  it('stops when the caller gives up', async () => {
    cluster.replica(0).hold()
    const caller = new AbortController()
    const created = codeOf(client.createAccount('alice', 'secret', { signal: caller.signal }))
    caller.abort()
    expect(await created).toBe('aborted')
  })

  it('ends everything that is open when it is closed', async () => {
    await client.createAccount('alice', 'secret')
    await client.login('alice', 'secret')
    const reading = codeOf(all(client.inbox()))
    await client.close()
    expect(['closed', 'logged out']).toContain(await reading)
    expect(cluster.chat.openSessions).toBe(0)
    expect(await codeOf(client.createAccount('bob', 'secret'))).toBe('closed')
    await client.close()
  })

  it.each([
    [{ servers: [] }, 'servers'],
    [{ servers: ['127.0.0.1'] }, 'servers'],
    [{ servers: ['127.0.0.1:70000'] }, 'servers'],
    [{ servers: ['127.0.0.1:1'], maximumInFlight: 1_001 }, 'maximumInFlight'],
    [{ servers: ['127.0.0.1:1'], requestTimeoutMs: 600_000 }, 'requestTimeoutMs'],
  ])('refuses options that cannot work: %o', async (options, named) => {
    const error: unknown = await connect(options).catch((reason: unknown) => reason)
    expect(error).toHaveProperty('code', 'invalid argument')
    expect(error).toHaveProperty('message', expect.stringContaining(named))
  })
})

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ChatClient, type ChatError, type ConnectOptions, connect, type Sent } from '../src/index.ts'
import { type FakeCluster, startFakeCluster } from '../src/testing/index.ts'
import { codeOf } from './outcome.ts'

let cluster: FakeCluster
let client: ChatClient

async function loggedIn(options: Partial<ConnectOptions> = {}): Promise<ChatClient> {
  const connected = await connect({ servers: cluster.servers, ...options })
  await connected.login('alice', 'secret')
  return connected
}

beforeEach(async () => {
  cluster = await startFakeCluster()
  for (const name of ['alice', 'bob']) cluster.chat.createAccount(name, name, 'secret')
  client = await loggedIn()
})

afterEach(async () => {
  await client.close()
  await cluster.stop()
})

const texts = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, at) => `message ${from + at}`)
const arrived = (): string[] => cluster.chat.waiting('bob').map(({ text }) => text)
const sendAll = (many: readonly string[]): Promise<Sent>[] => many.map((text) => client.send('bob', text))

/** Resolves when so many messages have reached the mailbox. */
async function whenArrived(count: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const check = (): void => {
      if (arrived().length < count) return
      forget()
      resolve()
    }
    const forget = cluster.chat.onChange(check)
    check()
  })
}

describe('many in flight', () => {
  it('arrive in order over one stream, each with its id', async () => {
    const sent = await Promise.all(sendAll(texts(1_500)))
    expect(arrived()).toEqual(texts(1_500))
    expect(sent.map(({ id }) => id)).toEqual(cluster.chat.waiting('bob').map(({ messageId }) => messageId))
    expect(cluster.replica(0).requests.get('sendMessages')).toBe(1)
  })

  it('fail alone: those around a refused one arrive', async () => {
    const results = [client.send('bob', 'one'), client.send('carol', 'two'), client.send('bob', 'three')]
    expect(await Promise.all(results.map(codeOf))).toEqual(['no error', 'unknown recipient', 'no error'])
    expect(arrived()).toEqual(['one', 'three'])
  })

  it('are bounded, and a caller can wait for room', async () => {
    await using small = await connect({ servers: cluster.servers, maximumInFlight: 4, maximumQueued: 4 })
    await client.logout()
    await small.login('alice', 'secret')
    cluster.replica(0).hold()
    const sent = texts(8).map((text) => small.send('bob', text))
    expect(await codeOf(small.send('bob', 'one too many'))).toBe('queue full')
    const room = small.sendable()
    await expect.poll(() => cluster.replica(0).requests.get('sendMessages.message')).toBe(4)
    cluster.replica(0).release()
    await room
    await small.send('bob', 'after')
    await Promise.all(sent)
    expect(arrived()).toEqual([...texts(8), 'after'])
  })

  it('are answered before a logout', async () => {
    const sent = Promise.all(sendAll(texts(50)))
    await client.logout()
    expect((await sent).length).toBe(50)
  })
})

describe('exactly once, in order', () => {
  it('when the leader is killed in the middle', async () => {
    const sent = Promise.all(sendAll(texts(800)))
    await whenArrived(100)
    await cluster.replica(0).kill()
    cluster.lead(1)
    await sent
    expect(arrived()).toEqual(texts(800))
  })

  it('when two leaders are killed and more is sent meanwhile', async () => {
    const first = Promise.all(sendAll(texts(300)))
    await whenArrived(50)
    await cluster.replica(0).kill()
    const second = Promise.all(sendAll(texts(300, 300)))
    cluster.lead(1)
    await whenArrived(350)
    await cluster.replica(1).kill()
    const third = Promise.all(sendAll(texts(300, 600)))
    cluster.lead(2)
    await Promise.all([first, second, third])
    expect(arrived()).toEqual(texts(900))
  })

  it('when replies are lost after the work was done', async () => {
    cluster.replica(0).loseReplies(40)
    await Promise.all(sendAll(texts(100)))
    expect(arrived()).toEqual(texts(100))
  })

  it('when the connection breaks again and again', async () => {
    const sent = Promise.all(sendAll(texts(500)))
    for (const count of [20, 120, 250, 400]) {
      await whenArrived(count)
      cluster.replica(0).cut()
    }
    await sent
    expect(arrived()).toEqual(texts(500))
  })

  it('when the leader steps down', async () => {
    const sent = Promise.all(sendAll(texts(400)))
    await whenArrived(40)
    cluster.lead(2)
    await sent
    expect(arrived()).toEqual(texts(400))
  })

  it('when the leader is stopped, replaced, and goes on', async () => {
    await client.close({ logout: false })
    cluster.chat.endSession('alice', 'SESSION_EXPIRED')
    client = await loggedIn({ tryTimeoutMs: 20 })
    const sent = Promise.all(sendAll(texts(100)))
    await whenArrived(10)
    cluster.replica(0).freeze()
    const more = Promise.all(sendAll(texts(100, 100)))
    cluster.lead(1)
    await Promise.all([sent, more])
    cluster.replica(0).thaw()
    await Promise.all(sendAll(texts(10, 200)))
    expect(arrived()).toEqual(texts(210))
  })

  it('when nobody can serve for a while', async () => {
    cluster.lead(null)
    const sent = Promise.all(sendAll(texts(20)))
    await expect.poll(() => cluster.replica(2).requests.get('listAccounts') ?? 0).toBeGreaterThan(2)
    cluster.lead(1)
    await sent
    expect(arrived()).toEqual(texts(20))
  })

  it('when the same request id is sent again by hand', async () => {
    const first = await client.send('bob', 'hi', { requestId: 'mine' })
    await using bob = await connect({ servers: cluster.servers })
    await bob.login('bob', 'secret')
    expect(first.recipientOnline).toBe(false)
    expect(await client.send('bob', 'hi', { requestId: 'mine' })).toEqual(first)
    expect(await client.send('bob', 'there?')).toMatchObject({ recipientOnline: true })
    expect(arrived()).toEqual(['hi', 'there?'])
  })
})

describe('giving up', () => {
  it('a message that waits is never sent', async () => {
    cluster.lead(null)
    const caller = new AbortController()
    const first = client.send('bob', 'first')
    const second = codeOf(client.send('bob', 'second', { signal: caller.signal }))
    const third = client.send('bob', 'third')
    caller.abort()
    expect(await second).toBe('aborted')
    cluster.lead(0)
    await Promise.all([first, third])
    expect(arrived()).toEqual(['first', 'third'])
  })

  it('a message that is in flight may have been delivered, and the error says so', async () => {
    cluster.replica(0).hold()
    const late = client.send('bob', 'late', { timeoutMs: 30, requestId: 'its own' })
    await expect(late).rejects.toMatchObject({ code: 'outcome unknown', requestId: 'its own' })
    cluster.replica(0).release()
    await client.send('bob', 'next')
    expect(arrived()).toEqual(['late', 'next'])
  })

  it('a message that never went out was surely not delivered', async () => {
    cluster.lead(null, cluster.replica(0).address)
    const noticed = client.createAccount('carol', 'secret')
    await expect.poll(() => client.leader).toBeNull()
    expect(await codeOf(client.send('bob', 'hi', { timeoutMs: 30 }))).toMatch(/^no (leader|server)$/)
    cluster.lead(1)
    await noticed
  })
})

describe('the end of the session', () => {
  it('fails everything under way with its reason', async () => {
    cluster.replica(0).hold()
    const reasons = Promise.all(sendAll(texts(5)).map(codeOf))
    const ended = new Promise<ChatError>((resolve) => client.onSessionEnded(resolve))
    cluster.chat.endSession('alice', 'SESSION_EXPIRED')
    cluster.replica(0).release()
    expect(await reasons).toEqual(Array.from({ length: 5 }, () => 'session expired'))
    expect((await ended).code).toBe('session expired')
    expect(arrived()).toEqual([])
  })

  it('leaves the client ready for another login', async () => {
    cluster.chat.endSession('alice', 'SESSION_TAKEN_OVER')
    expect(await codeOf(client.send('bob', 'hi'))).toBe('session taken over')
    await client.login('alice', 'secret')
    await client.send('bob', 'hi again')
    expect(arrived()).toEqual(['hi again'])
  })
})

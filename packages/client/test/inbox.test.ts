import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ChatClient, ChatError, type ConnectOptions, connect, type InboxMessage } from '../src/index.ts'
import { type FakeCluster, startFakeCluster } from '../src/testing/index.ts'

let cluster: FakeCluster
let bob: ChatClient
let aliceToken: string
let sent = 0

async function loggedIn(options: Partial<ConnectOptions> = {}): Promise<ChatClient> {
  const client = await connect({ servers: cluster.servers, ...options })
  await client.login('bob', 'secret')
  return client
}

/** Alice sends, without a network. */
function arrive(count: number): string[] {
  return Array.from({ length: count }, () => {
    const text = `message ${++sent}`
    cluster.chat.send(aliceToken, text, 'bob', text)
    return text
  })
}

beforeEach(async () => {
  sent = 0
  cluster = await startFakeCluster()
  for (const name of ['alice', 'bob']) cluster.chat.createAccount(name, name, 'secret')
  aliceToken = cluster.chat.login('alice', 'alice', 'secret', false).token
  bob = await loggedIn()
})

afterEach(async () => {
  await bob.close()
  await cluster.stop()
})

async function take(messages: AsyncIterator<InboxMessage>, count: number): Promise<InboxMessage[]> {
  const taken: InboxMessage[] = []
  while (taken.length < count) {
    const next = await messages.next()
    if (next.done === true) break
    taken.push(next.value)
  }
  return taken
}

const textsOf = (messages: readonly InboxMessage[]): string[] => messages.map(({ text }) => text)
const waiting = (): string[] => cluster.chat.waiting('bob').map(({ text }) => text)

describe('inbox', () => {
  it('gives what waits, then what arrives', async () => {
    const before = arrive(3)
    let caughtUpAfter = -1
    const taken: InboxMessage[] = []
    const inbox = bob.inbox({ onCaughtUp: () => (caughtUpAfter = taken.length) })
    taken.push(...(await take(inbox, 3)))
    const next = take(inbox, 2)
    await expect.poll(() => caughtUpAfter).toBe(3)
    const after = arrive(2)
    taken.push(...(await next))
    expect(textsOf(taken)).toEqual([...before, ...after])
    expect(taken[0]).toMatchObject({
      sequence: 1,
      id: '1',
      from: 'alice',
      sentAt: new Date(1_700_000_000_001),
    })
  })

  it('ends after what waits if it is not to follow', async () => {
    arrive(3)
    expect(textsOf(await take(bob.inbox({ follow: false }), 99))).toEqual(waiting())
    expect(textsOf(await take(bob.inbox({ follow: false, after: 2 }), 99))).toEqual(['message 3'])
  })

  it('reads no faster than messages are taken', async () => {
    arrive(2_000)
    const inbox = bob.inbox({ follow: false })
    const taken = await take(inbox, 1)
    taken.push(...(await take(inbox, 9_999)))
    expect(textsOf(taken)).toEqual(waiting())
  })

  it('gives each message once, in order, through kills, steps down and broken connections', async () => {
    const before = arrive(50)
    const inbox = bob.inbox()
    const taken = await take(inbox, 20)
    await cluster.replica(0).kill()
    cluster.lead(1)
    const during = arrive(50)
    taken.push(...(await take(inbox, 40)))
    cluster.replica(1).cut()
    taken.push(...(await take(inbox, 20)))
    const waitingForMore = take(inbox, 40)
    cluster.lead(2)
    const after = arrive(20)
    taken.push(...(await waitingForMore))
    expect(textsOf(taken)).toEqual([...before, ...during, ...after])
  })

  it('leaves a stopped leader as soon as another request finds the new one', async () => {
    await bob.close({ logout: false })
    cluster.chat.endSession('bob', 'LOGGED_OUT')
    bob = await loggedIn({ tryTimeoutMs: 20 })
    const inbox = bob.inbox()
    arrive(1)
    await take(inbox, 1)
    cluster.replica(0).freeze()
    cluster.lead(1)
    const next = take(inbox, 1)
    const [late] = arrive(1)
    await bob.touch()
    expect(textsOf(await next)).toEqual([late])
  })

  it('waits through a time without a leader', async () => {
    const inbox = bob.inbox()
    arrive(1)
    await take(inbox, 1)
    cluster.lead(null)
    const next = take(inbox, 1)
    await expect.poll(() => cluster.replica(1).requests.get('listAccounts') ?? 0).toBeGreaterThan(1)
    arrive(1)
    cluster.lead(2)
    expect(textsOf(await next)).toEqual(['message 2'])
  })

  it('ends when the caller says so', async () => {
    const caller = new AbortController()
    const inbox = bob.inbox({ signal: caller.signal })
    const next = take(inbox, 1)
    caller.abort()
    const error: unknown = await next.catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ChatError)
    expect(error).toHaveProperty('code', 'aborted')
  })

  it.each([true, false])('ends so although more has come already (follow: %s)', async (follow) => {
    arrive(20)
    const caller = new AbortController()
    const inbox = bob.inbox({ signal: caller.signal, follow })
    expect(textsOf(await take(inbox, 3))).toEqual(['message 1', 'message 2', 'message 3'])
    caller.abort()
    await expect(take(inbox, 1)).rejects.toHaveProperty('code', 'aborted')
    expect(waiting()).toHaveLength(20)
  })

  it('gives up reading what waits when nobody can serve', async () => {
    // Time enough to hear from a replica that it does not lead; a login would be bound by it, too.
    await using hasty = await connect({ servers: cluster.servers, requestTimeoutMs: 1_500 })
    const session = bob.keptSession
    if (session === null) throw new Error('bob is not logged in')
    hasty.resume(session)
    cluster.lead(null)
    const error: unknown = await take(hasty.inbox({ follow: false }), 1).catch((reason: unknown) => reason)
    expect(error).toHaveProperty('code', 'no leader')
  })
})

describe('acknowledge', () => {
  it('removes a message and those before it, and nothing else', async () => {
    arrive(5)
    const taken = await take(bob.inbox(), 5)
    await taken[2]?.acknowledge()
    expect(waiting()).toEqual(['message 4', 'message 5'])
  })

  it('what is not acknowledged comes again, what is acknowledged does not', async () => {
    arrive(4)
    const taken = await take(bob.inbox(), 4)
    await taken[1]?.acknowledge()
    expect(textsOf(await take(bob.inbox({ follow: false }), 99))).toEqual(['message 3', 'message 4'])
  })

  it('makes few requests of many acknowledgements', async () => {
    arrive(500)
    const all: Promise<void>[] = []
    for await (const message of bob.inbox({ follow: false })) all.push(message.acknowledge())
    await Promise.all(all)
    expect(waiting()).toEqual([])
    expect(cluster.replica(0).requests.get('acknowledge')).toBeLessThan(10)
  })

  it('survives a failover', async () => {
    arrive(3)
    const taken = await take(bob.inbox(), 3)
    cluster.replica(0).hold()
    const acknowledged = taken[2]?.acknowledge()
    await expect.poll(() => cluster.replica(0).requests.get('acknowledge')).toBe(1)
    await cluster.replica(0).kill()
    cluster.lead(1)
    await acknowledged
    expect(waiting()).toEqual([])
    expect(cluster.replica(1).requests.get('acknowledge')).toBe(1)
  })

  it('is done before a logout, and needs no one to look at it', async () => {
    arrive(3)
    for (const message of await take(bob.inbox(), 3)) void message.acknowledge()
    await bob.logout()
    expect(waiting()).toEqual([])
  })

  it('fails with the end of the session', async () => {
    arrive(1)
    const [message] = await take(bob.inbox(), 1)
    cluster.chat.endSession('bob', 'SESSION_TAKEN_OVER')
    await expect(message?.acknowledge()).rejects.toMatchObject({ code: 'session taken over' })
  })
})

import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { failureOf, freshId, Received, startChat, until } from './chat-under-test.ts'

describe('a login', () => {
  it('says the same of an unknown account and a wrong password', async () => {
    const chat = await startChat()
    const client = chat.client()
    await client.create('alice')
    const wrong = await failureOf(client.login('alice', { password: 'x' }))
    const unknown = await failureOf(client.login('bob', { password: 'x' }))
    expect(wrong).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'WRONG_CREDENTIALS' })
    expect(unknown).toEqual(wrong)
  })

  it('does the same work for an unknown account as for a wrong password', async () => {
    const asked: (string | null)[] = []
    const chat = await startChat({
      passwords: {
        hash: async () => 'stored',
        verify: async (stored) => {
          asked.push(stored)
          return false
        },
      },
    })
    const client = chat.client()
    await client.create('alice')
    await failureOf(client.login('alice'))
    await failureOf(client.login('bob'))
    expect(asked).toEqual(['stored', null])
  })

  it('gives a token of which the log knows only the SHA-256', async () => {
    const chat = await startChat()
    const client = await chat.loggedIn('alice')
    expect(client.token).toMatch(/^[\w-]{43}$/)
    const entry = chat.replica.log.find((command) => command.type === 'login')
    const known = entry?.type === 'login' ? Buffer.from(entry.tokenHash).toString('hex') : ''
    expect(known).toBe(createHash('sha256').update(client.token).digest('hex'))
  })

  it('grants the idle timeout asked for, the default, or the maximum', async () => {
    const chat = await startChat({ limits: { idleTimeoutDefaultMs: 7_000, idleTimeoutMaximumMs: 9_000 } })
    const client = chat.client()
    await client.create('alice')
    const granted = []
    for (const idleTimeoutSeconds of [0, 8, 10_000]) {
      granted.push((await client.login('alice', { idleTimeoutSeconds, takeover: true })).idleTimeoutSeconds)
    }
    expect(granted).toEqual([7, 8, 9])
  })

  it('is refused while the account has a session, unless it takes over', async () => {
    const chat = await startChat()
    const first = await chat.loggedIn('alice')
    const second = chat.client()
    expect(await failureOf(second.login('alice'))).toMatchObject({
      code: 'FAILED_PRECONDITION',
      reason: 'LOGGED_IN_ELSEWHERE',
    })
    const subscribed = Received.events(first.subscribe())
    await subscribed.count(1)
    await second.login('alice', { takeover: true })
    expect(await subscribed.ended).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'SESSION_TAKEN_OVER' })
    expect(await failureOf(first.list())).toMatchObject({ reason: 'SESSION_TAKEN_OVER' })
    expect((await second.list()).names).toEqual(['alice'])
  })

  it('that is retried opens no second session, and the new token is the good one', async () => {
    const chat = await startChat()
    const client = chat.client()
    await client.create('alice')
    await client.login('alice', { requestId: 'login-1' })
    const lost = client.token
    await client.login('alice', { requestId: 'login-1' })
    expect(client.token).not.toBe(lost)
    expect(await client.list()).toMatchObject({ names: ['alice'] })
    client.token = lost
    expect(await failureOf(client.list())).toMatchObject({ reason: 'NOT_LOGGED_IN' })
  })

  it('costs no hashing at a replica that does not lead', async () => {
    let hashes = 0
    const count = async (): Promise<never> => {
      hashes++
      throw new Error('hashed')
    }
    const chat = await startChat({ passwords: { hash: count, verify: count } })
    chat.replica.loseLeadership('10.0.0.2:9601')
    expect(await failureOf(chat.client().login('alice'))).toMatchObject({ reason: 'NOT_LEADER' })
    expect(await failureOf(chat.client().create('alice'))).toMatchObject({ reason: 'NOT_LEADER' })
    expect(hashes).toBe(0)
  })
})

describe('a session', () => {
  it.each([
    ['none', ''],
    ['one that is no token', 'abc'],
    ['one that nobody was given', 'A'.repeat(43)],
  ])('is needed: with %s nothing is done', async (_, token) => {
    const chat = await startChat()
    await chat.client().create('bob')
    const before = chat.replica.log.length
    const client = chat.client()
    client.token = token
    const calls = [
      failureOf(client.send('bob', 'hello')),
      failureOf(client.acknowledge(1)),
      failureOf(client.logout()),
      failureOf(client.deleteAccount('bob')),
      Received.events(client.subscribe()).ended,
      Received.results(client.sendMessages()).ended,
    ]
    for (const failure of await Promise.all(calls)) {
      expect(failure).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'NOT_LOGGED_IN' })
    }
    expect(chat.replica.log).toHaveLength(before)
  })

  it('ends by logging out, once, whatever is retried', async () => {
    const chat = await startChat()
    const alice = await chat.loggedIn('alice')
    await alice.logout('logout-1')
    await alice.logout('logout-1')
    expect(await failureOf(alice.send('bob', 'x'))).toMatchObject({
      code: 'UNAUTHENTICATED',
      reason: 'LOGGED_OUT',
    })
    await chat.client().login('alice')
  })

  it('that ended still answers the retry of what it did', async () => {
    const chat = await startChat()
    const alice = await chat.loggedIn('alice')
    await chat.client().create('bob')
    const requestId = freshId()
    const id = await alice.send('bob', 'hello', requestId)
    await chat.client().login('alice', { takeover: true })
    expect(await alice.send('bob', 'hello', requestId)).toBe(id)
    expect(await failureOf(alice.send('bob', 'more'))).toMatchObject({ reason: 'SESSION_TAKEN_OVER' })
  })

  it('expires after its idle timeout, by the leader alone', async () => {
    const chat = await startChat({ limits: { idleTimeoutDefaultMs: 10_000 } })
    const alice = await chat.loggedIn('alice')
    const subscribed = Received.events(alice.subscribe())
    await subscribed.count(1)
    chat.clock.advance(9_999)
    await alice.fetch(0)
    chat.clock.advance(9_999)
    expect(chat.replica.stateMachine.counts().sessions).toBe(1)
    chat.replica.loseLeadership()
    chat.clock.advance(60_000)
    expect(chat.replica.pending).toBe(0)
    chat.replica.lead()
    chat.clock.advance(1_000)
    await until(() => chat.replica.stateMachine.counts().sessions === 0)
    expect(await failureOf(alice.list())).toMatchObject({
      code: 'UNAUTHENTICATED',
      reason: 'SESSION_EXPIRED',
    })
  })

  it('expires at its greatest age, however active it is', async () => {
    const chat = await startChat({ limits: { idleTimeoutDefaultMs: 10_000, sessionLifetimeMs: 25_000 } })
    const alice = await chat.loggedIn('alice')
    const subscribed = Received.events(alice.subscribe())
    await subscribed.count(1)
    for (let active = 0; active < 3; active++) {
      chat.clock.advance(8_000)
      await alice.list()
      await until(() => chat.replica.pending === 0)
    }
    chat.clock.advance(1_000)
    expect(await subscribed.ended).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'SESSION_EXPIRED' })
    const failure = await failureOf(alice.list())
    expect(failure.reason).toBe('SESSION_EXPIRED')
    expect(failure.message).toContain('as old as a session may get')
  })

  it('tells its open streams that it expired', async () => {
    const chat = await startChat({ limits: { idleTimeoutDefaultMs: 10_000 } })
    const alice = await chat.loggedIn('alice')
    const subscribed = Received.events(alice.subscribe())
    const sending = Received.results(alice.sendMessages())
    await subscribed.count(1)
    await until(() => chat.service.counts().sendStreams === 1)
    chat.clock.advance(10_000)
    const expired = { code: 'UNAUTHENTICATED', reason: 'SESSION_EXPIRED' }
    expect(await subscribed.ended).toMatchObject(expired)
    expect(await sending.ended).toMatchObject(expired)
    expect(chat.service.counts()).toMatchObject({ subscriptions: 0, sendStreams: 0 })
  })

  it('is kept alive by commands that only read, with one entry for many', async () => {
    const chat = await startChat({ limits: { idleTimeoutDefaultMs: 10_000 } })
    const alice = await chat.loggedIn('alice')
    const touches = (): number => chat.replica.log.filter((command) => command.type === 'touch').length
    chat.clock.advance(2_500)
    await alice.list()
    expect(touches()).toBe(0)
    chat.clock.advance(1)
    chat.replica.hold()
    await Promise.all([alice.list(), alice.list(), alice.fetch()])
    chat.replica.release()
    await until(() => touches() > 0)
    expect(touches()).toBe(1)
    chat.clock.advance(9_000)
    expect((await alice.list()).names).toEqual(['alice'])
    await until(() => touches() === 2)
  })

  it('is not kept alive by listening, nor by acknowledging', async () => {
    const chat = await startChat({ limits: { idleTimeoutDefaultMs: 10_000 } })
    const alice = await chat.loggedIn('alice')
    chat.clock.advance(6_000)
    await Received.events(alice.subscribe()).count(1)
    await alice.acknowledge(0)
    chat.clock.advance(6_000)
    await until(() => chat.replica.stateMachine.counts().sessions === 0)
    expect(await failureOf(alice.list())).toMatchObject({ reason: 'SESSION_EXPIRED' })
  })
})

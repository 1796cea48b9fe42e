import { describe, expect, it } from 'vitest'
import { failureOf, messagesOf, Received, settled, startChat, until } from './chat-under-test.ts'

const kinds = (events: readonly object[]): string[] =>
  events.map((event) => ('text' in event ? 'message' : 'caughtUp'))

describe('a subscription', () => {
  it('brings what waits, says that it has caught up, and goes on with what arrives', async () => {
    const chat = await startChat()
    const [alice, bob] = [await chat.loggedIn('alice'), await chat.loggedIn('bob')]
    await bob.send('alice', 'one')
    await bob.send('alice', 'two')
    const received = Received.events(alice.subscribe())
    await received.count(3)
    await bob.send('alice', 'three')
    await received.count(4)
    expect(kinds(received.items)).toEqual(['message', 'message', 'caughtUp', 'message'])
    expect(received.items[2]).toEqual({ lastSequence: 2 })
    expect(messagesOf(received.items)).toMatchObject([
      { sequence: 1, from: 'bob', text: 'one', sentAtMs: chat.clock.now() },
      { sequence: 2, from: 'bob', text: 'two' },
      { sequence: 3, from: 'bob', text: 'three' },
    ])
  })

  it('gives each message the id that its sender was told', async () => {
    const chat = await startChat()
    const [alice, bob] = [await chat.loggedIn('alice'), await chat.loggedIn('bob')]
    const ids = [await bob.send('alice', 'one'), await bob.send('alice', 'two')]
    expect((await alice.fetch()).map(({ messageId }) => messageId)).toEqual(ids)
    expect(new Set(ids).size).toBe(2)
  })

  it('resumes after a sequence number', async () => {
    const chat = await startChat()
    const [alice, bob] = [await chat.loggedIn('alice'), await chat.loggedIn('bob')]
    for (const text of ['one', 'two', 'three']) await bob.send('alice', text)
    expect((await alice.fetch(2)).map(({ text }) => text)).toEqual(['three'])
    expect(await alice.fetch(3)).toEqual([])
    expect(await Received.events(alice.subscribe(4)).ended).toMatchObject({ reason: 'INVALID_ARGUMENT' })
  })

  it('brings again what was not acknowledged, and not what was', async () => {
    const chat = await startChat()
    const [alice, bob] = [await chat.loggedIn('alice'), await chat.loggedIn('bob')]
    for (const text of ['one', 'two', 'three']) await bob.send('alice', text)
    expect(await alice.fetch()).toHaveLength(3)
    expect(await alice.acknowledge(2, 'ack-1')).toBe(1)
    expect(await alice.acknowledge(2, 'ack-1')).toBe(1)
    expect((await alice.fetch()).map(({ text }) => text)).toEqual(['three'])
    expect(await failureOf(alice.acknowledge(4))).toMatchObject({ reason: 'INVALID_ARGUMENT' })
  })

  it('brings nothing that is not committed', async () => {
    const chat = await startChat()
    const [alice, bob] = [await chat.loggedIn('alice'), await chat.loggedIn('bob')]
    const received = Received.events(alice.subscribe())
    await received.count(1)
    chat.replica.hold()
    const sent = failureOf(bob.send('alice', 'not yet'))
    await until(() => chat.replica.pending === 1)
    chat.replica.loseLeadership()
    expect(await sent).toMatchObject({ reason: 'OUTCOME_UNKNOWN' })
    expect(await received.ended).toMatchObject({ reason: 'NOT_LEADER' })
    expect(kinds(received.items)).toEqual(['caughtUp'])
  })

  it('waits for a slow reader, holding one batch at most', async () => {
    const chat = await startChat({ limits: { deliveryBatchMessages: 8 } })
    const [alice, bob] = [await chat.loggedIn('alice'), await chat.loggedIn('bob')]
    const stream = bob.sendMessages()
    const answers = Received.results(stream)
    // Not a multiple of a batch, so that the last one has room for what came later.
    const count = 398
    for (let n = 0; n < count; n++)
      stream.write({ messages: [{ requestId: `m${n}`, to: 'alice', text: `${n} ${'x'.repeat(20_000)}` }] })
    await answers.count(count)
    let read = 0
    const mailbox = chat.replica.stateMachine.mailbox.bind(chat.replica.stateMachine)
    chat.replica.stateMachine.mailbox = (accountId) => {
      const reader = mailbox(accountId)
      const showSome = reader.show.bind(reader)
      reader.show = (after, limit, bytes, sink) => {
        const shown = showSome(after, limit, bytes, sink)
        read += shown
        return shown
      }
      return reader
    }
    const subscribed = alice.subscribe()
    const received = Received.events(subscribed)
    subscribed.once('data', () => subscribed.pause())
    await received.count(1)
    await settled(() => read)
    expect(read).toBeGreaterThan(0)
    expect(read).toBeLessThan(count / 2)
    await bob.send('alice', 'while she catches up')
    subscribed.resume()
    await received.count(count + 2)
    expect(messagesOf(received.items).map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: count + 1 }, (_, n) => n + 1),
    )
    expect(kinds(received.items).slice(-3)).toEqual(['message', 'caughtUp', 'message'])
    expect(received.items.at(-2)).toEqual({ lastSequence: count })
  })

  it('is told where the leader is when its replica leads no more', async () => {
    const chat = await startChat()
    const alice = await chat.loggedIn('alice')
    const received = Received.events(alice.subscribe())
    await received.count(1)
    chat.replica.loseLeadership('10.0.0.2:9601')
    expect(await received.ended).toMatchObject({
      code: 'UNAVAILABLE',
      reason: 'NOT_LEADER',
      leader: { address: '10.0.0.2:9601', term: 2 },
    })
    expect(await Received.events(alice.subscribe()).ended).toMatchObject({ reason: 'NOT_LEADER' })
    expect(chat.service.counts().subscriptions).toBe(0)
  })

  it('ends when the service stops', async () => {
    const chat = await startChat()
    const alice = await chat.loggedIn('alice')
    const received = Received.events(alice.subscribe())
    await received.count(1)
    chat.service.stop()
    expect(await received.ended).toMatchObject({ code: 'UNAVAILABLE', reason: 'NOT_LEADER', leader: null })
    expect(await failureOf(alice.list())).toMatchObject({ reason: 'NOT_LEADER' })
    expect(await Received.events(alice.subscribe()).ended).toMatchObject({ reason: 'NOT_LEADER' })
    expect(await Received.results(alice.sendMessages()).ended).toMatchObject({ reason: 'NOT_LEADER' })
    expect(chat.clock.timers).toBe(0)
  })

  it('ends with its session, and only with its own', async () => {
    const chat = await startChat()
    const [alice, bob] = [await chat.loggedIn('alice'), await chat.loggedIn('bob')]
    const [ofAlice, ofBob] = [Received.events(alice.subscribe()), Received.events(bob.subscribe())]
    await Promise.all([ofAlice.count(1), ofBob.count(1)])
    await alice.logout()
    expect(await ofAlice.ended).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'LOGGED_OUT' })
    expect(chat.service.counts().subscriptions).toBe(1)
  })

  it('is one of a bounded number, of a session and of all', async () => {
    const chat = await startChat({ limits: { subscriptionsPerSession: 2, subscriptions: 3 } })
    const [alice, bob] = [await chat.loggedIn('alice'), await chat.loggedIn('bob')]
    const open = [alice, alice, bob].map((client) => client.subscribe())
    await Promise.all(open.map((stream) => Received.events(stream).count(1)))
    const overloaded = { code: 'RESOURCE_EXHAUSTED', reason: 'OVERLOADED' }
    expect(await Received.events(alice.subscribe()).ended).toMatchObject(overloaded)
    expect(await Received.events(bob.subscribe()).ended).toMatchObject(overloaded)
    open[0]?.cancel()
    await until(() => chat.service.counts().subscriptions === 2)
    await Received.events(bob.subscribe()).count(1)
  })

  it('costs next to nothing while it is idle', async () => {
    const chat = await startChat({ limits: { subscriptionsPerSession: 2_000 } })
    const alice = await chat.loggedIn('alice')
    const timers = chat.clock.timers
    const open = Array.from({ length: 1_000 }, () => Received.events(alice.subscribe()))
    await Promise.all(open.map((received) => received.count(1)))
    expect(chat.service.counts().subscriptions).toBe(1_000)
    expect(chat.clock.timers).toBe(timers)
  })
})

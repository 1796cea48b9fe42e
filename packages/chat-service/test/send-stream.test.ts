import type {
  SendMessageRequest,
  SendMessagesRequest,
  SendMessagesResponse,
  SendResult,
} from '@chatroom/transport-grpc/chat'
import type { ClientDuplexStream } from '@grpc/grpc-js'
import { describe, expect, it } from 'vitest'
import {
  type ChatUnderTest,
  outcomesOf,
  Received,
  settled,
  startChat,
  type TestClient,
  until,
} from './chat-under-test.ts'

type Stream = ClientDuplexStream<SendMessagesRequest, SendMessagesResponse>

async function pair(options: Parameters<typeof startChat>[0] = {}): Promise<{
  chat: ChatUnderTest
  alice: TestClient
  bob: TestClient
}> {
  const chat = await startChat(options)
  return { chat, alice: await chat.loggedIn('alice'), bob: await chat.loggedIn('bob') }
}

function write(stream: Stream, from: number, count: number, to = 'bob'): void {
  for (let n = from; n < from + count; n++)
    stream.write({ messages: [{ requestId: `m${n}`, to, text: `text ${n}` }] })
}

function ids(answers: readonly SendResult[]): string[] {
  return answers.map(({ requestId }) => requestId)
}

function online(answers: readonly SendResult[]): boolean[] {
  return answers.map(({ recipientOnline }) => recipientOnline)
}

function numbered(from: number, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `m${from + n}`)
}

describe('a stream of sends', () => {
  it('answers each message once, in order, and delivers in that order', async () => {
    const { alice, bob } = await pair()
    const stream = alice.sendMessages()
    const answers = Received.results(stream)
    write(stream, 0, 1_000)
    stream.end()
    expect(await answers.ended).toBeNull()
    expect(ids(answers.items)).toEqual(numbered(0, 1_000))
    expect(new Set(outcomesOf(answers.items))).toEqual(new Set(['ok']))
    expect((await bob.fetch()).map(({ text }) => text)).toEqual(
      numbered(0, 1_000).map((id) => `text ${id.slice(1)}`),
    )
  })

  it('tells with each answer whether the recipient was online, as the unary call does', async () => {
    const { chat, alice } = await pair()
    await chat.client().create('carol')
    const stream = alice.sendMessages()
    const answers = Received.results(stream)
    write(stream, 0, 1, 'bob')
    write(stream, 1, 1, 'carol')
    write(stream, 2, 1, 'nobody')
    stream.end()
    expect(await answers.ended).toBeNull()
    expect(online(answers.items)).toEqual([true, false, false])
    expect(await alice.sendMessage('bob', 'hi')).toMatchObject({ recipientOnline: true })
    expect(await alice.sendMessage('carol', 'hi')).toMatchObject({ recipientOnline: false })
  })

  it('has many messages under way at once', async () => {
    const { chat, alice } = await pair()
    chat.replica.hold()
    const stream = alice.sendMessages()
    const answers = Received.results(stream)
    write(stream, 0, 500)
    await until(() => chat.replica.pending === 500)
    expect(answers.items).toEqual([])
    chat.replica.release()
    await answers.count(500)
    expect(ids(answers.items)).toEqual(numbered(0, 500))
  })

  it('reads no further when its session has too much under way, and goes on when it has room', async () => {
    const { chat, alice } = await pair({ limits: { requestsInFlightPerSession: 10 } })
    chat.replica.hold()
    const streams = [alice.sendMessages(), alice.sendMessages()]
    const answers = streams.map((stream) => Received.results(stream))
    for (const [n, stream] of streams.entries()) write(stream, n * 1_000, 100)
    await until(() => chat.replica.pending === 10)
    for (let released = 0; released < 200; released += 5) {
      chat.replica.release(5)
      await until(() => chat.replica.pending === Math.min(10, 200 - released - 5))
    }
    await Promise.all(answers.map((received) => received.count(100)))
    expect(answers.map(({ items }) => ids(items))).toEqual([numbered(0, 100), numbered(1_000, 100)])
  })

  it('reads no further when all sessions together have too much under way', async () => {
    const { chat, alice, bob } = await pair({ limits: { requestsInFlight: 20 } })
    const carol = await chat.loggedIn('carol')
    chat.replica.hold()
    const streams = [alice.sendMessages(), bob.sendMessages()]
    const answers = streams.map((stream) => Received.results(stream))
    for (const stream of streams) write(stream, 0, 50, 'carol')
    await until(() => chat.replica.pending === 20)
    expect(chat.service.counts().requestsInFlight).toBe(20)
    chat.replica.release()
    await Promise.all(answers.map((received) => received.count(50)))
    expect(await carol.fetch()).toHaveLength(100)
    expect(chat.service.counts()).toMatchObject({ requestsInFlight: 0, bytesInFlight: 0 })
  })

  it('holds a bounded number of answers that its client does not read', async () => {
    const { chat, alice } = await pair({ limits: { requestsInFlightPerSession: 100 } })
    const stream = alice.sendMessages()
    // Before the first read a client of grpc-js takes in everything; so it stops after one answer.
    stream.once('data', () => stream.pause())
    let written = 0
    const more = (): void => {
      while (
        written < 50_000 &&
        stream.write({ messages: [{ requestId: `${written}`.padEnd(64), to: 'bob', text: 'x' }] })
      )
        written++
    }
    stream.on('drain', more)
    more()
    // Nobody reads the answers: the sender is stopped by HTTP/2's flow control, long before the end.
    expect(await settled(() => chat.replica.log.length)).toBeLessThan(10_000)
    stream.cancel()
    await until(() => chat.service.counts().sendStreams === 0)
  })

  describe('with many messages in one request', () => {
    const messages = (from: number, count: number): SendMessageRequest[] =>
      numbered(from, count).map((requestId, n) => ({ requestId, to: 'bob', text: `text ${from + n}` }))

    it('answers each, and those of one commit together', async () => {
      const { chat, alice, bob } = await pair()
      chat.replica.hold()
      const stream = alice.sendMessages()
      const answers = Received.results(stream)
      let responses = 0
      stream.on('data', () => responses++)
      stream.write({ messages: messages(0, 100) })
      stream.write({ messages: [] })
      stream.write({ messages: messages(100, 100) })
      await until(() => chat.replica.pending === 200)
      chat.replica.release()
      await answers.count(200)
      expect(responses).toBe(1)
      expect(ids(answers.items)).toEqual(numbered(0, 200))
      expect((await bob.fetch()).map(({ text }) => text)).toEqual(messages(0, 200).map(({ text }) => text))
    })

    it('takes as many of them as its session may have under way, and the rest when it has room', async () => {
      const { chat, alice, bob } = await pair({ limits: { requestsInFlightPerSession: 7 } })
      chat.replica.hold()
      const stream = alice.sendMessages()
      const answers = Received.results(stream)
      stream.write({ messages: messages(0, 50) })
      stream.write({ messages: messages(50, 50) })
      for (let released = 0; released < 100; released += 5) {
        await until(() => chat.replica.pending === Math.min(7, 100 - released))
        chat.replica.release(5)
      }
      await answers.count(100)
      expect(ids(answers.items)).toEqual(numbered(0, 100))
      expect(await bob.fetch()).toHaveLength(100)
      expect(chat.service.counts()).toMatchObject({ requestsInFlight: 0, bytesInFlight: 0 })
    })

    it('does all of a request or nothing, and nothing behind it, where a retry may heal', async () => {
      const { chat, alice, bob } = await pair()
      chat.replica.refuse = (command) =>
        command.type === 'send' && command.requestId === 'm15' ? 'not ready' : null
      const stream = alice.sendMessages()
      const answers = Received.results(stream)
      for (const from of [0, 10, 20]) stream.write({ messages: messages(from, 10) })
      expect(await answers.ended).toBeNull()
      expect(ids(answers.items)).toEqual(numbered(0, 11))
      expect(outcomesOf(answers.items).slice(9)).toEqual(['ok', 'NOT_READY'])
      expect((await bob.fetch()).map(({ text }) => text)).toEqual(messages(0, 10).map(({ text }) => text))
    })

    it('stops at the first that comes too fast', async () => {
      const { alice, bob } = await pair({ limits: { sendsPerSecond: 3 } })
      const stream = alice.sendMessages()
      const answers = Received.results(stream)
      stream.write({ messages: messages(0, 10) })
      expect(await answers.ended).toBeNull()
      expect(outcomesOf(answers.items)).toEqual(['ok', 'ok', 'ok', 'OVERLOADED'])
      expect(await bob.fetch()).toHaveLength(3)
    })
  })

  it('goes on after a message that was refused for good', async () => {
    const { alice, bob } = await pair()
    const stream = alice.sendMessages()
    const answers = Received.results(stream)
    write(stream, 0, 1)
    write(stream, 1, 1, 'nobody')
    write(stream, 2, 1, 'alice')
    stream.write({ messages: [{ requestId: 'm3', to: 'bob', text: '' }] })
    stream.write({ messages: [{ requestId: 'm4', to: 'bob', text: 'x'.repeat(65_537) }] })
    stream.write({ messages: [{ requestId: '', to: 'bob', text: 'x' }] })
    stream.write({ messages: [{ requestId: 'm6', to: 'b'.repeat(1_000), text: 'x' }] })
    write(stream, 0, 1)
    stream.write({ messages: [{ requestId: 'm0', to: 'bob', text: 'something else' }] })
    write(stream, 9, 1)
    stream.end()
    await answers.ended
    expect(outcomesOf(answers.items)).toEqual([
      'ok',
      'UNKNOWN_RECIPIENT',
      'SEND_TO_SELF',
      'INVALID_TEXT',
      'INVALID_TEXT',
      'INVALID_REQUEST_ID',
      'INVALID_NAME',
      'ok',
      'REQUEST_ID_REUSED',
      'ok',
    ])
    expect((await bob.fetch()).map(({ text }) => text)).toEqual(['text 0', 'text 9'])
  })

  it('ends with the first failure that a retry may heal, and proposes nothing after it', async () => {
    const { chat, alice, bob } = await pair()
    chat.replica.refuse = (command) =>
      command.type === 'send' && command.requestId === 'm5' ? 'overloaded' : null
    const stream = alice.sendMessages()
    const answers = Received.results(stream)
    write(stream, 0, 6)
    await answers.ended
    expect(ids(answers.items)).toEqual(numbered(0, 6))
    expect(outcomesOf(answers.items)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'OVERLOADED'])
    chat.replica.refuse = null
    const again = alice.sendMessages()
    const rest = Received.results(again)
    write(again, 5, 5)
    again.end()
    await rest.ended
    expect((await bob.fetch()).map(({ text }) => text)).toEqual(
      numbered(0, 10).map((id) => `text ${id.slice(1)}`),
    )
  })

  it('ends with an unknown outcome when leadership is lost under it', async () => {
    const { chat, alice } = await pair()
    chat.replica.hold()
    const stream = alice.sendMessages()
    const answers = Received.results(stream)
    write(stream, 0, 10)
    await until(() => chat.replica.pending === 10)
    chat.replica.release(4)
    chat.replica.loseLeadership('10.0.0.2:9601')
    await answers.ended
    expect(ids(answers.items)).toEqual(numbered(0, 5))
    expect(outcomesOf(answers.items)).toEqual(['ok', 'ok', 'ok', 'ok', 'OUTCOME_UNKNOWN'])
  })

  it('with nothing under way ends with the new leader when leadership is lost', async () => {
    const { chat, alice } = await pair()
    const answers = Received.results(alice.sendMessages())
    await until(() => chat.service.counts().sendStreams === 1)
    chat.replica.loseLeadership('10.0.0.2:9601')
    expect(await answers.ended).toMatchObject({
      code: 'UNAVAILABLE',
      reason: 'NOT_LEADER',
      leader: { address: '10.0.0.2:9601', term: 2 },
    })
  })

  it('is refused at a replica that does not lead', async () => {
    const { chat, alice } = await pair()
    chat.replica.loseLeadership('10.0.0.2:9601')
    expect(await Received.results(alice.sendMessages()).ended).toMatchObject({ reason: 'NOT_LEADER' })
  })

  it('gives everything back when its client leaves in the middle', async () => {
    const { chat, alice, bob } = await pair()
    chat.replica.hold()
    const stream = alice.sendMessages()
    write(stream, 0, 100)
    await until(() => chat.replica.pending === 100)
    stream.cancel()
    await until(() => chat.service.counts().sendStreams === 0)
    expect(chat.service.counts().requestsInFlight).toBe(100)
    chat.replica.release()
    await until(() => chat.service.counts().requestsInFlight === 0)
    expect(chat.service.counts().bytesInFlight).toBe(0)
    expect(await bob.fetch()).toHaveLength(100)
  })

  it('is one of a bounded number', async () => {
    const { chat, alice } = await pair({ limits: { sendStreamsPerSession: 2 } })
    alice.sendMessages()
    alice.sendMessages()
    await until(() => chat.service.counts().sendStreams === 2)
    expect(await Received.results(alice.sendMessages()).ended).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      reason: 'OVERLOADED',
    })
  })

  it('reports a fault of the server as such, and hides its words', async () => {
    const { chat, alice } = await pair()
    const fault = new Error('inner words')
    chat.replica.proposeAll = () => {
      throw fault
    }
    const stream = alice.sendMessages()
    const answers = Received.results(stream)
    write(stream, 0, 1)
    await answers.count(1)
    expect(JSON.stringify(answers.items)).not.toContain('inner words')
    expect(outcomesOf(answers.items)).toEqual(['INTERNAL'])
    expect(chat.faults).toEqual([fault])
  })

  it('keeps the order of everything before a full disk, and says that for good', async () => {
    const { chat, alice } = await pair()
    chat.replica.refuse = (command) =>
      command.type === 'send' && command.requestId === 'm1' ? 'storage full' : null
    const stream = alice.sendMessages()
    const answers = Received.results(stream)
    write(stream, 0, 3)
    await answers.count(3)
    expect(outcomesOf(answers.items)).toEqual(['ok', 'LIMIT_REACHED', 'ok'])
  })
})

import { ReplicaError, type ReplicaErrorCode } from '@chatroom/replica'
import {
  bearerMetadata,
  ChatServiceService,
  SendMessageRequest,
  SendMessageResponse,
} from '@chatroom/transport-grpc/chat'
import { describe, expect, it } from 'vitest'
import { ChatFailure } from '../src/failure.ts'
import type { Asker } from '../src/index.ts'
import { CallError, failureOf, Received, startChat, type TestClient, until } from './chat-under-test.ts'

describe('what a replica refuses', () => {
  it.each<[ReplicaErrorCode, string, string]>([
    ['not leader', 'UNAVAILABLE', 'NOT_LEADER'],
    ['not ready', 'UNAVAILABLE', 'NOT_READY'],
    ['outcome unknown', 'UNAVAILABLE', 'OUTCOME_UNKNOWN'],
    ['overloaded', 'RESOURCE_EXHAUSTED', 'OVERLOADED'],
    ['storage full', 'RESOURCE_EXHAUSTED', 'LIMIT_REACHED'],
    ['aborted', 'UNAVAILABLE', 'OUTCOME_UNKNOWN'],
    ['stopped', 'UNAVAILABLE', 'NOT_LEADER'],
    ['halted', 'UNAVAILABLE', 'NOT_LEADER'],
    ['invalid configuration', 'INTERNAL', 'INTERNAL'],
  ])('as %s is %s %s on the wire', async (refusal, code, reason) => {
    const chat = await startChat()
    const alice = await chat.loggedIn('alice')
    chat.replica.refuse = () => refusal
    expect(await failureOf(alice.send('bob', 'x'))).toMatchObject({ code, reason })
    expect(chat.faults).toEqual([])
  })

  it('says whose disk is full in the words of the replica', async () => {
    const chat = await startChat()
    const alice = await chat.loggedIn('alice')
    chat.replica.propose = () =>
      Promise.reject(new ReplicaError('storage full', 'no room on the disk of replica 2: free some'))
    const { message } = await failureOf(alice.send('bob', 'x'))
    expect(message).toContain('No room on the disk of replica 2: free some.')
  })

  it('names the leader', async () => {
    const chat = await startChat()
    const alice = await chat.loggedIn('alice')
    chat.replica.loseLeadership('10.0.0.2:9601')
    const leader = { address: '10.0.0.2:9601', term: 2 }
    expect(await failureOf(alice.send('bob', 'x'))).toMatchObject({ reason: 'NOT_LEADER', leader })
    expect(await failureOf(alice.list())).toMatchObject({ reason: 'NOT_LEADER', leader })
  })

  it('tells when to come again', async () => {
    const chat = await startChat()
    const alice = await chat.loggedIn('alice')
    chat.replica.refuse = () => 'overloaded'
    expect((await failureOf(alice.send('bob', 'x'))).retryAfterMs).toBeGreaterThan(0)
  })

  it('names no leader whose address it does not know', async () => {
    const chat = await startChat()
    const alice = await chat.loggedIn('alice')
    const leader = { id: 1, address: '', term: 3 }
    chat.replica.propose = () => Promise.reject(new ReplicaError('not leader', 'x', { leader }))
    expect(await failureOf(alice.send('bob', 'x'))).toMatchObject({ reason: 'NOT_LEADER', leader: null })
  })
})

describe('a fault of the server', () => {
  it('is INTERNAL, is reported, and its words stay inside', async () => {
    const chat = await startChat()
    const alice = await chat.loggedIn('alice')
    const fault = new TypeError('inner words')
    chat.replica.read = () => Promise.reject(fault)
    const failure = await failureOf(alice.list())
    expect(failure).toMatchObject({ code: 'INTERNAL', reason: 'INTERNAL' })
    expect(failure.message).not.toContain('inner words')
    expect(await Received.events(alice.subscribe()).ended).toMatchObject({ reason: 'INTERNAL' })
    expect(chat.faults).toEqual([fault, fault])
  })
})

describe('single calls', () => {
  it('beyond what a session may have under way are refused, none of them is done, and they are told to come again one after the other', async () => {
    const limits = {
      requestsInFlightPerSession: 3,
      retryAfterMs: 9,
      retriesPerSecond: 500,
      sendsPerSecond: 4,
    }
    const chat = await startChat({ limits })
    const alice = await chat.loggedIn('alice')
    await chat.client().create('bob')
    chat.replica.hold()
    const sends = Array.from({ length: 5 }, (_, n) => alice.send('bob', `text ${n}`))
    const refused = await Promise.all(sends.slice(3).map(failureOf))
    expect(refused).toMatchObject(
      [9, 11].map((retryAfterMs) => ({ code: 'RESOURCE_EXHAUSTED', reason: 'OVERLOADED', retryAfterMs })),
    )
    expect(chat.replica.pending).toBe(3)
    chat.replica.release()
    await Promise.all(sends.slice(0, 3))
    // They do not count as sent: one more may be in this second.
    await alice.send('bob', 'text 5')
    expect(chat.replica.log.filter(({ type }) => type === 'send')).toHaveLength(4)
    expect(chat.service.counts()).toMatchObject({ requestsInFlight: 0, bytesInFlight: 0 })
  })

  it('whose mailbox is full are refused for good', async () => {
    const chat = await startChat({ chatLimits: { mailboxMessages: 2 } })
    const alice = await chat.loggedIn('alice')
    await chat.client().create('bob')
    await alice.send('bob', '1')
    await alice.send('bob', '2')
    expect(await failureOf(alice.send('bob', '3'))).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      reason: 'MAILBOX_FULL',
    })
  })

  it('wait no longer for a hash that nobody wants any more', async () => {
    let asker: Asker | undefined
    const chat = await startChat({
      passwords: {
        verify: async () => false,
        hash: (_, who) => {
          asker = who
          return new Promise((_resolve, reject) => {
            who?.signal?.addEventListener('abort', () => reject(new ChatFailure('OUTCOME_UNKNOWN', 'left.')))
          })
        },
      },
    })
    const client = chat.client()
    const call = client.stub.createAccount({ requestId: 'r', name: 'alice', password: 'x' }, () => undefined)
    await until(() => asker !== undefined)
    expect(asker?.from).toBe('127.0.0.1')
    call.cancel()
    await until(() => asker?.signal?.aborted === true)
    expect(chat.replica.log).toEqual([])
  })
})

describe('what was refused is told for metrics', () => {
  it('once for a call, a stream and a message of a stream, by the reason alone', async () => {
    const chat = await startChat({ chatLimits: { mailboxMessages: 1 } })
    const alice = await chat.loggedIn('alice')
    await chat.client().create('bob')
    await alice.send('bob', 'fits')
    expect(chat.refusals).toEqual([])
    await failureOf(alice.send('bob', 'fits no more'))
    await failureOf(alice.send('nobody', 'text'))
    await Received.events(chat.client().subscribe()).ended
    expect(chat.refusals).toEqual(['MAILBOX_FULL', 'UNKNOWN_RECIPIENT', 'NOT_LOGGED_IN'])
  })
})

describe('a malformed request', () => {
  /** Calls SendMessage with these very bytes. */
  function sendBytes(client: TestClient, bytes: Buffer): Promise<unknown> {
    return new Promise((resolve, reject) => {
      client.stub.makeUnaryRequest(
        ChatServiceService.sendMessage.path,
        (raw: Buffer) => raw,
        (response) => SendMessageResponse.decode(response),
        bytes,
        (error, response) => (error === null ? resolve(response) : reject(new CallError(error))),
      )
    })
  }

  const valid = Buffer.from(SendMessageRequest.encode({ requestId: 'r', to: 'bob', text: 'hello' }).finish())

  it.each([
    ['cut off', valid.subarray(0, valid.length - 2)],
    ['no protobuf', Buffer.from('GET / HTTP/1.1')],
    ['an endless varint', Buffer.alloc(64, 0xff)],
    ['a text that is no UTF-8', Buffer.concat([valid, Buffer.from([0x1a, 2, 0xc3, 0x28])])],
    ['a text with half a surrogate pair', Buffer.concat([valid, Buffer.from([0x1a, 3, 0xed, 0xa0, 0x80])])],
  ])('(%s) is refused, and nothing changes', async (_, bytes) => {
    const chat = await startChat()
    const failure = await failureOf(sendBytes(chat.client(), bytes))
    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'INVALID_ARGUMENT' })
    expect(chat.replica.log).toEqual([])
    expect(chat.faults).toEqual([])
  })

  it('keeps what a byte-order mark means in a text', async () => {
    const chat = await startChat()
    const [alice, bob] = [await chat.loggedIn('alice'), await chat.loggedIn('bob')]
    await alice.send('bob', '\ufefftext')
    expect((await bob.fetch()).map(({ text }) => text)).toEqual(['\ufefftext'])
  })

  it('ends a subscription and a stream of sends, after the answers before it', async () => {
    const chat = await startChat()
    const alice = await chat.loggedIn('alice')
    await chat.client().create('bob')
    const headers = bearerMetadata(alice.token)
    const raw = (bytes: Buffer): Buffer => bytes
    const stream = alice.stub.makeBidiStreamRequest(
      ChatServiceService.sendMessages.path,
      raw,
      ChatServiceService.sendMessages.responseDeserialize,
      headers,
    )
    const answers = Received.results(stream)
    const frame = Buffer.concat([Buffer.from([0x0a, valid.length]), valid])
    stream.write(frame)
    stream.write(frame.subarray(0, 5))
    expect(await answers.ended).toMatchObject({ reason: 'INVALID_ARGUMENT' })
    expect(answers.items).toHaveLength(1)
    const subscription = alice.stub.makeServerStreamRequest(
      ChatServiceService.subscribe.path,
      raw,
      ChatServiceService.subscribe.responseDeserialize,
      Buffer.from([0x08]),
      headers,
    )
    expect(await Received.events(subscription).ended).toMatchObject({ reason: 'INVALID_ARGUMENT' })
  })
})

describe('secrets', () => {
  it('are neither in the log nor in any error', async () => {
    const chat = await startChat({
      passwords: {
        hash: async () => '$argon2id$stored',
        verify: async (_, password) => password === 'canary-password',
      },
    })
    const client = chat.client()
    await client.create('alice', 'canary-password')
    await client.login('alice', { password: 'canary-password' })
    const failures = [
      await failureOf(chat.client().login('alice', { password: 'canary-password' })),
      await failureOf(chat.client().create('alice', 'canary-password'.repeat(100))),
      await failureOf(client.login('alice', { password: 'canary-wrong' })),
    ]
    const kept = chat.replica.log.map((command) =>
      Buffer.from(chat.replica.stateMachine.encode(command)).toString('latin1'),
    )
    const words = JSON.stringify([kept, failures])
    expect(words).toContain('$argon2id$stored')
    expect(words).not.toContain('canary')
    expect(words).not.toContain(client.token)
  })
})

import { bearerMetadata, ChatServiceService, setTraceparent } from '@chatroom/transport-grpc/chat'
import { describe, expect, it } from 'vitest'
import type { ServiceTracing } from '../src/index.ts'
import { Received, startChat, until } from './chat-under-test.ts'

/** What was followed, as `context: began` and `context: ended`, in order. A parent that begins with `no` is not. */
function recorded(): { readonly tracing: ServiceTracing; readonly seen: string[] } {
  const seen: string[] = []
  const open = (context: string): ReturnType<ServiceTracing['begin']> => {
    seen.push(`${context}: began`)
    return {
      context,
      end: (failure) => void seen.push(`${context}: ${failure ?? 'ended'}`),
    }
  }
  const tracing: ServiceTracing = {
    receive: (method, parent) =>
      parent.startsWith('no') || parent === '' ? null : open(`${parent} ${method}`),
    begin: (stage, within) => open(`${within} ${stage}`),
  }
  return { tracing, seen }
}

describe('a message of a stream', () => {
  it('is followed from its arrival to its answer, with the replica between the two', async () => {
    const { tracing, seen } = recorded()
    const chat = await startChat({ tracing })
    const alice = await chat.loggedIn('alice')
    chat.replica.traces.length = 0
    chat.replica.hold()
    const stream = alice.sendMessages()
    const answers = Received.results(stream)
    const message = { to: 'alice', text: 'hi' }
    stream.write({
      messages: [
        { ...message, requestId: 'a', traceparent: 'no' },
        { ...message, requestId: 'b', traceparent: 'p' },
        { ...message, requestId: 'c' },
      ],
    })
    await until(() => chat.replica.pending === 3)
    const received = ['p sendMessages: began', 'p sendMessages check: began', 'p sendMessages check: ended']
    expect([chat.replica.traces, seen]).toEqual([[null, 'p sendMessages', null], received])
    chat.replica.release()
    await answers.count(3)
    // Nobody sends to oneself.
    const replied = [
      'p sendMessages reply: began',
      'p sendMessages reply: ended',
      'p sendMessages: SEND_TO_SELF',
    ]
    expect(seen).toEqual([...received, ...replied])
  })

  it('that is refused at once, or whose sender leaves, is over then', async () => {
    const { tracing, seen } = recorded()
    const chat = await startChat({ tracing })
    const alice = await chat.loggedIn('alice')
    await chat.client().create('bob')
    chat.replica.hold()
    const stream = alice.sendMessages()
    const refused = { requestId: 'a', to: 'bob', text: '', traceparent: 'refused' }
    stream.write({ messages: [{ ...refused, requestId: 'b', text: 'hi', traceparent: 'left' }, refused] })
    await until(() => chat.replica.pending === 1)
    stream.cancel()
    await until(() => chat.service.counts().sendStreams === 0)
    chat.replica.release()
    await until(() => chat.replica.pending === 0)
    expect(seen.filter((one) => /^\w+ sendMessages: /.test(one))).toEqual([
      'left sendMessages: began',
      'refused sendMessages: began',
      'left sendMessages: CANCELLED',
      'refused sendMessages: CANCELLED',
    ])
    expect(seen.filter((one) => one.includes('left')).slice(-1)).toEqual(['left sendMessages: CANCELLED'])
  })
})

it('a call is followed by what its metadata says, until it is answered or refused', async () => {
  const { tracing, seen } = recorded()
  const chat = await startChat({ tracing })
  const alice = await chat.loggedIn('alice')
  await chat.client().create('bob')
  chat.replica.traces.length = 0
  const metadata = bearerMetadata(alice.token)
  setTraceparent(metadata, 'p')
  const { path, requestSerialize, responseDeserialize } = ChatServiceService.sendMessage
  const call = (to: string): Promise<boolean> =>
    new Promise((resolve) => {
      const request = { requestId: to, to, text: 'hi' }
      alice.stub.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, (error) =>
        resolve(error === null),
      )
    })
  expect(await call('bob')).toBe(true)
  await until(() => seen.length === 4)
  expect(chat.replica.traces).toEqual(['p sendMessage'])
  expect(seen).toEqual([
    'p sendMessage: began',
    'p sendMessage check: began',
    'p sendMessage check: ended',
    'p sendMessage: ended',
  ])
  expect(await call('nobody')).toBe(false)
  expect(seen.slice(-1)).toEqual(['p sendMessage: UNKNOWN_RECIPIENT'])
})

it('without anybody who follows, what a call says of its trace goes nowhere', async () => {
  const chat = await startChat()
  const alice = await chat.loggedIn('alice')
  await chat.client().create('bob')
  const stream = alice.sendMessages()
  const answers = Received.results(stream)
  stream.write({ messages: [{ requestId: 'a', to: 'bob', text: 'hi', traceparent: 'p' }] })
  await answers.count(1)
  expect(chat.replica.traces.filter((trace) => trace !== null)).toEqual([])
})

import {
  AlwaysOffSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type ChatClient, type ConnectOptions, connect } from '../src/index.ts'
import { type FakeCluster, startFakeCluster } from '../src/testing/index.ts'
import { codeOf } from './outcome.ts'

let cluster: FakeCluster
let exporter: InMemorySpanExporter
const clients: ChatClient[] = []

async function alice(sampler?: Sampler): Promise<ChatClient> {
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
    ...(sampler === undefined ? {} : { sampler }),
  })
  return await login({ tracer: provider.getTracer('a chat program') })
}

async function login(options: Partial<ConnectOptions>): Promise<ChatClient> {
  const client = await connect({ servers: cluster.servers, ...options })
  clients.push(client)
  await client.login('alice', 'a secret')
  return client
}

beforeEach(async () => {
  exporter = new InMemorySpanExporter()
  cluster = await startFakeCluster()
  for (const name of ['alice', 'bob']) cluster.chat.createAccount(name, name, 'a secret')
})

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  await cluster.stop()
})

const method = (name: string): string => `chatroom.v1.ChatService/${name}`
const traceparentOf = (span: ReadableSpan): string => {
  const { traceId, spanId } = span.spanContext()
  return `00-${traceId}-${spanId}-01`
}
const spans = (name: string): ReadableSpan[] =>
  exporter.getFinishedSpans().filter((span) => span.name === method(name))

describe('a client with a tracer', () => {
  it('makes a span of every message and every call, and tells the servers which', async () => {
    const client = await alice()
    await Promise.all(['one', 'two'].map((text) => client.send('bob', text)))
    const [login, ...sends] = exporter.getFinishedSpans()
    expect([login, ...sends].map((span) => span?.name)).toEqual(
      ['Login', 'SendMessages', 'SendMessages'].map(method),
    )
    expect(cluster.replica(0).traceparents).toEqual(exporter.getFinishedSpans().map(traceparentOf))
  })

  it('has one for a message with all its tries', async () => {
    const client = await alice()
    cluster.replica(0).loseReplies(1)
    await client.send('bob', 'hello')
    const [send, ...more] = spans('SendMessages')
    expect([more, send?.events.map(({ name }) => name)]).toEqual([[], ['sent', 'sent']])
    expect(cluster.chat.waiting('bob')).toHaveLength(1)
  })

  it('says with the code of the error, and nothing else, that one failed', async () => {
    const client = await alice()
    expect(await codeOf(client.send('carol', 'hello'))).toBe('unknown recipient')
    const [send] = spans('SendMessages')
    expect([send?.attributes['error.type'], send?.status]).toEqual(['unknown recipient', { code: 2 }])
  })

  it('says nothing to the servers of what the tracer does not sample', async () => {
    const client = await alice(new AlwaysOffSampler())
    await client.send('bob', 'hello')
    expect([exporter.getFinishedSpans(), cluster.replica(0).traceparents]).toEqual([[], []])
  })

  it('puts no text, name, password or token into a span', async () => {
    const client = await alice()
    await client.send('bob', 'a text that nobody else may read')
    await codeOf(client.send('nobody-of-this-name', 'another text'))
    const token = client.keptSession?.token
    const all = JSON.stringify(
      exporter.getFinishedSpans().map(({ name, attributes, events, status, resource }) => {
        return { name, attributes, events, status, resource: resource.attributes }
      }),
    )
    expect(all).toContain('SendMessages')
    for (const secret of ['nobody else', 'another text', 'bob', 'alice', 'nobody-of', 'a secret', token])
      expect(all).not.toContain(secret)
  })
})

it('without a tracer nothing is sent for one', async () => {
  const client = await login({})
  await client.send('bob', 'hello')
  expect(cluster.replica(0).traceparents).toEqual([])
})

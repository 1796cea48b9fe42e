import type { Hello, Message } from '@chatroom/replica'
import { helloOf, TransportRecorder } from '@chatroom/replica/testing'
import { type ClientDuplexStream, credentials, Metadata, type StatusObject, status } from '@grpc/grpc-js'
import { afterEach, expect, test } from 'vitest'
import { freePorts } from '../test/ports.ts'
import {
  LinkRequest,
  type LinkResponse,
  ReplicaServiceClient,
  ReplicaServiceService,
} from './gen/chatroom/replica/v1/replica_service.ts'
import type { TransportLimits } from './limits.ts'
import { createGrpcTransport } from './transport.ts'

// A replica answers calls of the stock gRPC client, as anybody's client may call it.

type LinkCall = ClientDuplexStream<LinkRequest, LinkResponse>

const closers: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

interface Answerer {
  readonly recorder: TransportRecorder
  readonly client: ReplicaServiceClient
  /** Where replica 1, which only these tests play, is configured to listen. */
  readonly callerPort: number
}

/** Replica 0, which knows of a replica 1. */
async function answerer(limits: Partial<TransportLimits> = {}): Promise<Answerer> {
  const [port = 0, callerPort = 0] = await freePorts(2)
  const host = '127.0.0.1'
  const transport = createGrpcTransport({
    id: 0,
    listen: { host, port },
    peers: new Map([[1, { host, port: callerPort }]]),
    // No hello is late unless a test says so.
    limits: { answerMs: 60_000, ...limits },
  })
  closers.push(() => transport.stop())
  const recorder = new TransportRecorder(helloOf(0))
  await transport.start(recorder)
  const client = new ReplicaServiceClient(`${host}:${port}`, credentials.createInsecure())
  closers.push(() => client.close())
  return { recorder, client, callerPort }
}

interface Said {
  readonly hello?: Hello
  readonly to?: number
  readonly attempt?: number
  readonly port: number
}

/** Versions that go without saying. */
const first = { machineVersion: undefined, neededVersion: undefined }

function sayHello(call: LinkCall, { hello = helloOf(1), to = 0, attempt = 1, port }: Said): void {
  const value = { ...first, ...hello, to, attempt, listener: { host: '127.0.0.1', port } }
  call.write({ content: { $case: 'hello', value } })
}

function sendFrame(call: LinkCall, term: number): void {
  const messages = [{ body: { $case: 'timeoutNow' as const, value: { term } } }]
  call.write({ content: { $case: 'frame', value: { messages } } })
}

function endOf(call: NodeJS.EventEmitter): Promise<Pick<StatusObject, 'code' | 'details'>> {
  return new Promise((resolve) => {
    call.on('error', () => {})
    call.on('status', ({ code, details }: StatusObject) => resolve({ code, details }))
  })
}

function answerOf(call: LinkCall): Promise<LinkResponse> {
  return new Promise((resolve) => {
    call.once('data', resolve)
  })
}

function rejectionsOf(recorder: TransportRecorder): string[] {
  return recorder.observations(1).flatMap((one) => (one.type === 'rejected' ? [one.reason] : []))
}

function termsOf(recorder: TransportRecorder): number[] {
  return recorder.received.map(({ message }: { message: Message }) => message.term)
}

test('a hello is answered with a hello, and frames are taken', async () => {
  const { client, recorder, callerPort } = await answerer()
  const call = client.link()
  closers.push(() => call.cancel())
  call.on('error', () => {})
  sayHello(call, { port: callerPort })
  const { hello } = await answerOf(call)
  expect(hello).toMatchObject({ ...helloOf(0), to: 1, attempt: 0 })
  sendFrame(call, 5)
  sendFrame(call, 6)
  await recorder.untilReceived(2)
  expect(termsOf(recorder)).toEqual([5, 6])
  expect(recorder.received[0]?.from).toEqual(helloOf(1).member)
})

test('a frame before the hello ends the call', async () => {
  const { client, recorder } = await answerer()
  const call = client.link()
  sendFrame(call, 5)
  expect(await endOf(call)).toEqual({ code: status.INVALID_ARGUMENT, details: 'A link begins with a hello.' })
  expect(recorder.received).toEqual([])
})

test('a second hello ends the call', async () => {
  const { client, callerPort } = await answerer()
  const call = client.link()
  const end = endOf(call)
  sayHello(call, { port: callerPort })
  await answerOf(call)
  sayHello(call, { port: callerPort })
  expect(await end).toEqual({ code: status.INVALID_ARGUMENT, details: 'A link has one hello.' })
})

test('no hello at all ends the call after a while', async () => {
  const { client } = await answerer({ answerMs: 30 })
  expect(await endOf(client.link())).toEqual({
    code: status.DEADLINE_EXCEEDED,
    details: 'No hello within 30 ms.',
  })
})

test('what cannot be read ends the call with words, at both ends, and nothing of it is received', async () => {
  const { client, recorder, callerPort } = await answerer()
  const raw: ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest(
    ReplicaServiceService.link.path,
    (bytes: Buffer) => bytes,
    (bytes: Buffer) => bytes,
    new Metadata(),
    {},
  )
  const end = endOf(raw)
  const value = {
    ...first,
    ...helloOf(1),
    to: 0,
    attempt: 1,
    listener: { host: '127.0.0.1', port: callerPort },
  }
  raw.write(Buffer.from(LinkRequest.encode({ content: { $case: 'hello', value } }).finish()))
  await new Promise((resolve) => {
    raw.once('data', resolve)
  })
  const good = { body: { $case: 'timeoutNow' as const, value: { term: 1 } } }
  const bad = { body: { $case: 'pull' as const, value: { term: 1, previous: undefined } } }
  raw.write(
    Buffer.from(
      LinkRequest.encode({ content: { $case: 'frame', value: { messages: [good, bad] } } }).finish(),
    ),
  )
  const words = 'Replica 1 sent what cannot be read. Not a message between replicas: pull without previous.'
  expect(await end).toEqual({ code: status.INVALID_ARGUMENT, details: words })
  expect(rejectionsOf(recorder)).toEqual([words])
  expect(recorder.received).toEqual([])
})

test('bytes that are no hello end the call', async () => {
  const { client, recorder } = await answerer()
  const raw: ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest(
    ReplicaServiceService.link.path,
    (bytes: Buffer) => bytes,
    (bytes: Buffer) => bytes,
    new Metadata(),
    {},
  )
  raw.write(Buffer.from('0aff', 'hex'))
  const { code, details } = await endOf(raw)
  expect(code).toBe(status.INVALID_ARGUMENT)
  expect(details).toContain('Not a message between replicas')
  expect(rejectionsOf(recorder)).toEqual([])
})

test('a replica that is in nobody’s configuration is refused, and the core does not hear of it', async () => {
  const { client, recorder, callerPort } = await answerer()
  const call = client.link()
  sayHello(call, { hello: helloOf(5), port: callerPort })
  expect(await endOf(call)).toEqual({
    code: status.FAILED_PRECONDITION,
    details: 'Replica 0 is not configured with a replica 5: give all replicas the same list of peers.',
  })
  expect(recorder.observations(5)).toEqual([])
})

test('a second process with this replica’s own id is refused', async () => {
  const { client, recorder, callerPort } = await answerer()
  const call = client.link()
  sayHello(call, { hello: helloOf(0), port: callerPort })
  expect(await endOf(call)).toEqual({
    code: status.FAILED_PRECONDITION,
    details: 'Two processes say that they are replica 0: give each an id of its own.',
  })
  expect(recorder.observations(0)).toEqual([])
})

test('a replica that listens elsewhere than where it is dialled is refused: a refusal there would prove nothing', async () => {
  const { client, recorder, callerPort } = await answerer()
  const call = client.link()
  sayHello(call, { port: callerPort + 1 })
  const { code, details } = await endOf(call)
  expect(code).toBe(status.FAILED_PRECONDITION)
  expect(details).toContain(`127.0.0.1:${callerPort + 1}`)
  expect(details).toContain(`127.0.0.1:${callerPort}`)
  expect(rejectionsOf(recorder)).toEqual([details])
})

test('of two calls the newer one counts, and what is still under way on the older is lost', async () => {
  const { client, recorder, callerPort } = await answerer()
  const [older, newer] = [client.link(), client.link()]
  const end = endOf(older)
  newer.on('error', () => {})
  sayHello(older, { port: callerPort, attempt: 1 })
  await answerOf(older)
  sayHello(newer, { port: callerPort, attempt: 2 })
  await answerOf(newer)
  expect(await end).toEqual({ code: status.ABORTED, details: 'Replica 1 has opened a newer link.' })
  sendFrame(newer, 2)
  await recorder.untilReceived(1)
  expect(termsOf(recorder)).toEqual([2])
})

test.each([
  ['an earlier attempt', helloOf(1), 1],
  ['an earlier incarnation', helloOf(1, { member: { ...helloOf(1).member, incarnation: 0 } }), 9],
])('%s that arrives late does not end the link', async (_, hello, attempt) => {
  const { client, recorder, callerPort } = await answerer()
  const [newer, late] = [client.link(), client.link()]
  newer.on('error', () => {})
  sayHello(newer, { port: callerPort, attempt: 2 })
  await answerOf(newer)
  sayHello(late, { hello, port: callerPort, attempt })
  expect((await endOf(late)).code).toBe(status.ABORTED)
  sendFrame(newer, 7)
  await recorder.untilReceived(1)
  expect(termsOf(recorder)).toEqual([7])
})

test('a later incarnation takes over from the one before', async () => {
  const { client, recorder, callerPort } = await answerer()
  const [before, after] = [client.link(), client.link()]
  const end = endOf(before)
  after.on('error', () => {})
  sayHello(before, { port: callerPort, attempt: 9 })
  await answerOf(before)
  const member = { ...helloOf(1).member, incarnation: 2 }
  sayHello(after, { hello: helloOf(1, { member }), port: callerPort, attempt: 1 })
  await answerOf(after)
  expect((await end).code).toBe(status.ABORTED)
  sendFrame(after, 3)
  await recorder.untilReceived(1)
  expect(recorder.received[0]?.from).toEqual(member)
})

import type { Message } from '@chatroom/replica'
import { helloOf, type TransportRecorder } from '@chatroom/replica/testing'
import { Client, credentials, Metadata, status } from '@grpc/grpc-js'
import { afterEach, describe, expect, test } from 'vitest'
import { answerer, frameBytes, helloBytes, host, type Said } from '../../test/answerer.ts'
import {
  LinkRequest,
  LinkResponse,
  ReplicaServiceService,
} from '../gen/chatroom/replica/v1/replica_service.ts'
import { roomBytes } from '../wire/grpc-framing.ts'
import { LinkStream } from './link-stream.ts'

// A replica answers calls of the stock gRPC client, as anybody's client may call it, and of other replicas, which say that a connection carries their link.

const { path } = ReplicaServiceService.link

/** Who makes a call. */
interface Caller {
  write(bytes: Uint8Array): void
  /** Goes away without a word. */
  leave(): void
  readonly answer: Promise<LinkResponse>
  readonly end: Promise<{ readonly code: number; readonly details: string }>
}

function stockClient(port: number): Caller {
  const client = new Client(`${host}:${port}`, credentials.createInsecure())
  closers.push(() => client.close())
  const asItIs = (bytes: Buffer): Buffer => bytes
  const call = client.makeBidiStreamRequest(path, asItIs, asItIs, new Metadata(), {})
  closers.push(() => call.cancel())
  call.on('error', () => {})
  return {
    write: (bytes) => call.write(Buffer.from(bytes)),
    leave: () => call.cancel(),
    answer: new Promise((resolve) => {
      call.once('data', (bytes: Buffer) => resolve(LinkResponse.decode(bytes)))
    }),
    end: new Promise((resolve) => {
      call.on('status', ({ code, details }) => resolve({ code, details }))
    }),
  }
}

function replica(port: number): Caller {
  const options = { address: { host, port }, path, pingMs: 60_000, silentMs: 60_000 }
  const waiting: Uint8Array[] = []
  let isConnected = false
  let answered: (response: LinkResponse) => void
  const answer = new Promise<LinkResponse>((resolve) => {
    answered = resolve
  })
  let link: LinkStream
  const write = (bytes: Uint8Array): void =>
    link.write(Buffer.concat([Buffer.alloc(roomBytes), bytes]), () => {})
  const end = new Promise<{ code: number; details: string }>((resolve, reject) => {
    link = new LinkStream(
      { ...options, secure: (socket) => socket },
      {
        connected: () => {
          isConnected = true
          for (const bytes of waiting) write(bytes)
        },
        message: (bytes) => answered(LinkResponse.decode(bytes)),
        ended: (fault) =>
          fault.type === 'status'
            ? resolve({ code: fault.code, details: fault.reason })
            : reject(new Error(`the call ended without a status: ${fault.type}`)),
      },
    )
    closers.push(() => link.close())
  })
  end.catch(() => {})
  return {
    write: (bytes) => {
      if (isConnected) write(bytes)
      else waiting.push(bytes)
    },
    leave: () => link.close(),
    answer,
    end,
  }
}

const closers: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

function sayHello(call: Caller, said: Said): void {
  call.write(helloBytes(said))
}

function sendFrame(call: Caller, term: number): void {
  call.write(frameBytes(term))
}

function rejectionsOf(recorder: TransportRecorder): string[] {
  return recorder.observations(1).flatMap((one) => (one.type === 'rejected' ? [one.reason] : []))
}

function termsOf(recorder: TransportRecorder): number[] {
  return recorder.received.map(({ message }: { message: Message }) => message.term)
}

describe.each([
  ['a stock client', stockClient],
  ['a replica', replica],
])('of %s:', (_, callFrom) => {
  test('a hello is answered with a hello, and frames are taken', async () => {
    const { port, recorder, callerPort } = await answerer()
    const call = callFrom(port)
    sayHello(call, { port: callerPort })
    const { hello } = await call.answer
    expect(hello).toMatchObject({ ...helloOf(0), to: 1, attempt: 0 })
    sendFrame(call, 5)
    sendFrame(call, 6)
    await recorder.untilReceived(2)
    expect(termsOf(recorder)).toEqual([5, 6])
    expect(recorder.received[0]?.from).toEqual(helloOf(1).member)
  })

  test('a frame before the hello ends the call', async () => {
    const { port, recorder } = await answerer()
    const call = callFrom(port)
    sendFrame(call, 5)
    expect(await call.end).toEqual({ code: status.INVALID_ARGUMENT, details: 'A link begins with a hello.' })
    expect(recorder.received).toEqual([])
  })

  test('a second hello ends the call', async () => {
    const { port, callerPort } = await answerer()
    const call = callFrom(port)
    const { end } = call
    sayHello(call, { port: callerPort })
    await call.answer
    sayHello(call, { port: callerPort })
    expect(await end).toEqual({ code: status.INVALID_ARGUMENT, details: 'A link has one hello.' })
  })

  test('no hello at all ends the call after a while', async () => {
    const { port } = await answerer({ answerMs: 30 })
    expect(await callFrom(port).end).toEqual({
      code: status.DEADLINE_EXCEEDED,
      details: 'No hello within 30 ms.',
    })
  })

  test('what cannot be read ends the call with words, at both ends, and nothing of it is received', async () => {
    const { port, recorder, callerPort } = await answerer()
    const raw = callFrom(port)
    const { end } = raw
    sayHello(raw, { port: callerPort })
    await raw.answer
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
    const { port, recorder } = await answerer()
    const raw = callFrom(port)
    raw.write(Buffer.from('0aff', 'hex'))
    const { code, details } = await raw.end
    expect(code).toBe(status.INVALID_ARGUMENT)
    expect(details).toContain('Not a message between replicas')
    expect(rejectionsOf(recorder)).toEqual([])
  })

  test('a replica that is in nobody’s configuration is refused, and the core does not hear of it', async () => {
    const { port, recorder, callerPort } = await answerer()
    const call = callFrom(port)
    sayHello(call, { hello: helloOf(5), port: callerPort })
    expect(await call.end).toEqual({
      code: status.FAILED_PRECONDITION,
      details: 'Replica 0 is not configured with a replica 5: give all replicas the same list of peers.',
    })
    expect(recorder.observations(5)).toEqual([])
  })

  test('a second process with this replica’s own id is refused', async () => {
    const { port, recorder, callerPort } = await answerer()
    const call = callFrom(port)
    sayHello(call, { hello: helloOf(0), port: callerPort })
    expect(await call.end).toEqual({
      code: status.FAILED_PRECONDITION,
      details: 'Two processes say that they are replica 0: give each an id of its own.',
    })
    expect(recorder.observations(0)).toEqual([])
  })

  test('a replica that listens elsewhere than where it is dialled is refused: a refusal there would prove nothing', async () => {
    const { port, recorder, callerPort } = await answerer()
    const call = callFrom(port)
    sayHello(call, { port: callerPort + 1 })
    const { code, details } = await call.end
    expect(code).toBe(status.FAILED_PRECONDITION)
    expect(details).toContain(`127.0.0.1:${callerPort + 1}`)
    expect(details).toContain(`127.0.0.1:${callerPort}`)
    expect(rejectionsOf(recorder)).toEqual([details])
  })

  test('of two calls the newer one counts, and what is still under way on the older is lost', async () => {
    const { port, recorder, callerPort } = await answerer()
    const [older, newer] = [callFrom(port), callFrom(port)]
    const { end } = older
    sayHello(older, { port: callerPort, attempt: 1 })
    await older.answer
    sayHello(newer, { port: callerPort, attempt: 2 })
    await newer.answer
    expect(await end).toEqual({ code: status.ABORTED, details: 'Replica 1 has opened a newer link.' })
    sendFrame(newer, 2)
    await recorder.untilReceived(1)
    expect(termsOf(recorder)).toEqual([2])
  })

  test.each([
    ['an earlier attempt', helloOf(1), 1],
    ['an earlier incarnation', helloOf(1, { member: { ...helloOf(1).member, incarnation: 0 } }), 9],
  ])('%s that arrives late does not end the link', async (_, hello, attempt) => {
    const { port, recorder, callerPort } = await answerer()
    const [newer, late] = [callFrom(port), callFrom(port)]
    sayHello(newer, { port: callerPort, attempt: 2 })
    await newer.answer
    sayHello(late, { hello, port: callerPort, attempt })
    expect((await late.end).code).toBe(status.ABORTED)
    sendFrame(newer, 7)
    await recorder.untilReceived(1)
    expect(termsOf(recorder)).toEqual([7])
  })

  test('a call counts no more when its caller is gone', async () => {
    const { port, callerPort } = await answerer()
    const first = callFrom(port)
    sayHello(first, { port: callerPort, attempt: 9 })
    await first.answer
    first.leave()
    // As long as the other one is known this one is taken for an old one that comes late.
    let answer: LinkResponse | 'late'
    do {
      const again = callFrom(port)
      sayHello(again, { port: callerPort, attempt: 8 })
      answer = await Promise.race([again.answer, again.end.then(() => 'late' as const)])
    } while (answer === 'late')
    expect(answer.hello).toMatchObject(helloOf(0))
  })

  test('a later incarnation takes over from the one before', async () => {
    const { port, recorder, callerPort } = await answerer()
    const [before, after] = [callFrom(port), callFrom(port)]
    const { end } = before
    sayHello(before, { port: callerPort, attempt: 9 })
    await before.answer
    const member = { ...helloOf(1).member, incarnation: 2 }
    sayHello(after, { hello: helloOf(1, { member }), port: callerPort, attempt: 1 })
    await after.answer
    expect((await end).code).toBe(status.ABORTED)
    sendFrame(after, 3)
    await recorder.untilReceived(1)
    expect(recorder.received[0]?.from).toEqual(member)
  })
})

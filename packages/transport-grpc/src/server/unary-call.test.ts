import { Metadata, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js'
import { expect, test } from 'vitest'
import { client, methods, open, outcome, served, session } from '../../test/served.ts'
import { framed } from '../wire/grpc-framing.ts'

type Call = ServerUnaryCall<Buffer, Buffer>
type Answer = sendUnaryData<Buffer>

const { path } = methods.unary
const echo = { unary: (call: Call, answer: Answer) => answer(null, call.request) }

/** Calls as programs do, with the library. */
function ask(
  address: string,
  request: Buffer,
  metadata: Metadata = new Metadata(),
): Promise<{
  failure: { code: number; details: string; metadata: Metadata } | null
  response: Buffer | undefined
  first: Metadata
  last: Metadata
}> {
  return new Promise((resolve) => {
    let first = new Metadata()
    let last = new Metadata()
    const { requestSerialize, responseDeserialize } = methods.unary
    let answered: {
      failure: { code: number; details: string; metadata: Metadata } | null
      response: Buffer | undefined
    }
    const call = client(address).makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
      (failure, response) => {
        answered = { failure, response }
      },
    )
    call.on('metadata', (it: Metadata) => {
      first = it
    })
    call.on('status', (end: { metadata: Metadata }) => {
      last = end.metadata
      setImmediate(() => resolve({ ...answered, first, last }))
    })
  })
}

test('a request is answered, of any length', async () => {
  const { address } = await served(echo)
  for (const length of [0, 1, 16_384, 65_535, 999_999]) {
    const request = Buffer.alloc(length, length)
    const { failure, response } = await ask(address, request)
    expect(failure).toBeNull()
    expect(response?.equals(request)).toBe(true)
  }
})

test('a handler hears what the caller says, and what it says itself comes before and after the answer', async () => {
  let seen: Record<string, unknown> = {}
  const { address } = await served({
    unary: (call: Call, answer: Answer) => {
      const { metadata } = call
      seen = { ...metadata.getMap(), both: metadata.get('both'), path: call.getPath(), host: call.getHost() }
      const first = new Metadata()
      first.set('first', 'one')
      call.sendMetadata(first)
      const last = new Metadata()
      last.set('last-bin', Buffer.from([0, 255]))
      answer(null, call.request, last)
    },
  })
  const metadata = new Metadata()
  metadata.set('authorization', 'Bearer it')
  metadata.set('some-bin', Buffer.from([1, 2, 3]))
  metadata.add('both', 'a')
  metadata.add('both', 'b')
  const { first, last } = await ask(address, Buffer.from('x'), metadata)
  expect(seen).toEqual({
    authorization: 'Bearer it',
    'some-bin': Buffer.from([1, 2, 3]),
    both: ['a', 'b'],
    path,
    host: address,
  })
  expect(first.get('first')).toEqual(['one'])
  expect(last.get('last-bin')).toEqual([Buffer.from([0, 255])])
})

test('what comes before the answer does not wait for it', async () => {
  let release = (): void => undefined
  const { address } = await served({
    unary: (call: Call, answer: Answer) => {
      const first = new Metadata()
      first.set('first', 'one')
      call.sendMetadata(first)
      release = () => answer(null, call.request)
    },
  })
  const call = open(session(address), path)
  call.end(framed(Buffer.from('x')))
  call.on('response', () => release())
  expect((await outcome(call)).code).toBe(status.OK)
})

test('what HTTP allows and gRPC does not is no metadata, and nothing else is lost', async () => {
  let seen: Record<string, unknown> = {}
  const { address } = await served({
    unary: (call: Call, answer: Answer) => {
      seen = call.metadata.getMap()
      answer(null, call.request)
    },
  })
  const call = open(session(address), path, { good: 'yes', bad: 'grüße', 'odd!name': 'x' })
  call.end(framed(Buffer.from('x')))
  expect(await outcome(call)).toMatchObject({ http: 200, code: status.OK })
  expect(seen).toEqual({ good: 'yes' })
})

test('a failure arrives with its code, its words and its metadata', async () => {
  const { address } = await served({
    unary: (_: Call, answer: Answer) => {
      const metadata = new Metadata()
      metadata.set('why-bin', Buffer.from('because'))
      answer({ code: status.FAILED_PRECONDITION, details: '100 % größe, 日本\n', metadata })
    },
  })
  const { failure } = await ask(address, Buffer.alloc(0))
  expect(failure?.code).toBe(status.FAILED_PRECONDITION)
  expect(failure?.details).toBe('100 % größe, 日本\n')
  expect(failure?.metadata.get('why-bin')).toEqual([Buffer.from('because')])
})

test.each([[new Error('as it is')], [{ code: 99, details: 'as it is' }], [{ details: 'as it is' }]])(
  'a failure that is none of gRPC is UNKNOWN: %o',
  async (reason) => {
    const { address } = await served({
      unary: (_: Call, answer: Answer) => answer(reason),
    })
    const { failure } = await ask(address, Buffer.alloc(0))
    expect(failure).toMatchObject({ code: status.UNKNOWN, details: 'as it is' })
  },
)

test('words that grow on their way are cut, so that they arrive', async () => {
  const { address } = await served({
    unary: (_: Call, answer: Answer) => answer({ code: status.ABORTED, details: 'é'.repeat(50_000) }),
  })
  const call = open(session(address), path)
  call.end(framed(Buffer.alloc(0)))
  expect(await outcome(call)).toMatchObject({ code: status.ABORTED, words: 'é'.repeat(1_000) })
})

test('who answers twice has answered once', async () => {
  const { address } = await served({
    unary: (call: Call, answer: Answer) => {
      answer(null, call.request)
      answer({ code: status.ABORTED })
      answer(null, Buffer.from('other'))
    },
  })
  expect(await ask(address, Buffer.from('this'))).toMatchObject({
    failure: null,
    response: Buffer.from('this'),
  })
})

test('a request may come in any pieces', async () => {
  const { address } = await served(echo)
  const call = open(session(address), path)
  for (const byte of framed(Buffer.from('in pieces'))) {
    call.write(Buffer.of(byte))
    await new Promise((resolve) => setImmediate(resolve))
  }
  call.end()
  expect(await outcome(call)).toMatchObject({ code: status.OK, bytes: framed(Buffer.from('in pieces')) })
})

const compressed = framed(Buffer.from('zip'))
compressed[0] = 1

test.each([
  ['none', Buffer.alloc(0), status.UNIMPLEMENTED, /has one request/],
  [
    'two',
    Buffer.concat([framed(Buffer.from('a')), framed(Buffer.from('b'))]),
    status.UNIMPLEMENTED,
    /has one request/,
  ],
  [
    'one and a half',
    Buffer.concat([framed(Buffer.from('a')), Buffer.from([0, 0])]),
    status.UNIMPLEMENTED,
    /has one request/,
  ],
  ['half of one', framed(Buffer.from('abc')).subarray(0, 6), status.UNIMPLEMENTED, /has one request/],
  ['half of a prefix', Buffer.from([0, 0]), status.UNIMPLEMENTED, /has one request/],
  ['one that is too long', framed(Buffer.alloc(1_000_001)), status.RESOURCE_EXHAUSTED, /1000001 bytes/],
  ['a compressed one', compressed, status.UNIMPLEMENTED, /compress/],
])('instead of a request: %s', async (_, bytes, code, words) => {
  const { address, faults } = await served({ unary: () => expect.unreachable() })
  const call = open(session(address), path)
  call.end(bytes)
  const end = await outcome(call)
  expect(end.code).toBe(code)
  expect(end.words).toMatch(words)
  expect(faults).toEqual([])
})

test('a second request is refused when it comes, not at the end', async () => {
  const { address } = await served({ unary: () => expect.unreachable() }, { patienceMs: 60_000 })
  const call = open(session(address), path)
  call.write(Buffer.concat([framed(Buffer.from('a')), framed(Buffer.from('b'))]))
  const headers = await new Promise((resolve) => call.on('response', resolve))
  expect(headers).toMatchObject({ 'grpc-status': '12' })
})

test('a caller whose request was compressed is told what is taken', async () => {
  const { address } = await served(echo)
  const call = open(session(address), path, { 'grpc-encoding': 'gzip' })
  call.end(compressed)
  const headers = await new Promise((resolve) => call.on('response', resolve))
  expect(headers).toMatchObject({ 'grpc-status': '12', 'grpc-accept-encoding': 'identity' })
})

test('a request that its method cannot read is INTERNAL, and no handler gets it', async () => {
  const { address, grpc, faults } = await served({})
  const requestDeserialize = (): Buffer => {
    throw new Error('not mine')
  }
  grpc.addService({ unary: { ...methods.unary, requestDeserialize } }, { unary: () => expect.unreachable() })
  expect((await ask(address, Buffer.from('x'))).failure).toMatchObject({
    code: status.INTERNAL,
    details: 'The request cannot be read: not mine',
  })
  expect(faults).toEqual([])
})

test('an answer that cannot be written is a fault of the server', async () => {
  const { address, grpc, faults } = await served({})
  const responseSerialize = (): Buffer => {
    throw new Error('secret')
  }
  grpc.addService(
    { unary: { ...methods.unary, responseSerialize } },
    { unary: (call: Call, answer: Answer) => setImmediate(answer, null, call.request) },
  )
  expect((await ask(address, Buffer.from('x'))).failure).toMatchObject({
    code: status.INTERNAL,
    details: 'A fault of the server: see its log.',
  })
  expect(faults).toEqual([new Error('secret')])
})

test('what a handler throws is a fault of the server, of which its caller hears no more than that', async () => {
  const fault = new Error('secret')
  const { address, faults } = await served({
    unary: () => {
      throw fault
    },
  })
  expect((await ask(address, Buffer.from('x'))).failure).toMatchObject({
    code: status.UNKNOWN,
    details: 'A fault of the server: see its log.',
  })
  expect(faults).toEqual([fault])
})

test('a caller who leaves is told of, and what is answered then goes nowhere', async () => {
  const left = new Promise<Call>((resolve) => {
    void served({
      unary: (call: Call, answer: Answer) => {
        call.on('cancelled', () => {
          answer(null, call.request)
          resolve(call)
        })
        request.cancel()
      },
    }).then(({ address }) => {
      const { requestSerialize, responseDeserialize } = methods.unary
      request = client(address).makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        Buffer.from('x'),
        () => undefined,
      )
    })
    let request: { cancel(): void }
  })
  expect((await left).cancelled).toBe(true)
})

test('a call ends at its deadline', async () => {
  let cancelled = 0
  const deadlines: unknown[] = []
  const { address } = await served({
    unary: (call: Call) => {
      deadlines.push(call.getDeadline())
      call.on('cancelled', () => cancelled++)
    },
  })
  for (const timeout of ['1m', '999u', '1n', '00000001m', '0S']) {
    const call = open(session(address), path, { 'grpc-timeout': timeout })
    call.end(framed(Buffer.from('x')))
    expect((await outcome(call)).code).toBe(status.DEADLINE_EXCEEDED)
  }
  expect(deadlines.every((deadline) => deadline instanceof Date)).toBe(true)
  expect(cancelled).toBe(deadlines.length)
})

test.each(['', '1', 'm', '-1m', '1.5S', '123456789m', '1 m', '1x'])(
  'a deadline that is no time is refused: %j',
  async (timeout) => {
    const { address } = await served({ unary: () => expect.unreachable() })
    const call = open(session(address), path, { 'grpc-timeout': timeout })
    call.end(framed(Buffer.from('x')))
    expect((await outcome(call)).code).toBe(status.INVALID_ARGUMENT)
  },
)

test('metadata of bytes may have 128 values, and no more', async () => {
  let seen = 0
  const { address } = await served({
    unary: (call: Call, answer: Answer) => {
      seen = call.metadata.get('many-bin').length
      answer(null, call.request)
    },
  })
  const values = (count: number): string => Array.from({ length: count }, () => 'AA').join(',')
  const connection = session(address)
  const few = open(connection, path, { 'many-bin': values(128) })
  few.end(framed(Buffer.from('x')))
  expect(await outcome(few)).toMatchObject({ code: status.OK })
  expect(seen).toBe(128)
  const many = open(connection, path, { 'one-bin': values(100), 'more-bin': values(29) })
  many.end(framed(Buffer.from('x')))
  expect(await outcome(many)).toMatchObject({
    code: status.RESOURCE_EXHAUSTED,
    words: 'Metadata of bytes has more than 128 values.',
  })
})

test('metadata that gRPC does not allow is passed over', async () => {
  let seen: unknown = null
  const { address } = await served({
    unary: (call: Call, answer: Answer) => {
      seen = call.metadata.getMap()
      answer(null, call.request)
    },
  })
  const call = open(session(address), path, { 'a+b': 'x', odd: 'é', good: 'yes' })
  call.end(framed(Buffer.from('x')))
  expect(await outcome(call)).toMatchObject({ code: status.OK })
  expect(seen).toEqual({ good: 'yes' })
})

test('a caller who has its answer and does not end its side is let go', async () => {
  const { address } = await served({ unary: () => expect.unreachable() }, { patienceMs: 20 })
  const call = open(session(address), path)
  // More than it may be, and no end of it.
  const goOn = (): void => {
    if (!call.destroyed) call.write(Buffer.alloc(16_384, 255), goOn)
  }
  goOn()
  expect((await outcome(call)).code).toBe(status.UNIMPLEMENTED)
})

import { once } from 'node:events'
import { connect } from 'node:net'
import { type ServerDuplexStream, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js'
import { expect, onTestFinished, test } from 'vitest'
import { headersFrame, noSettings, preface } from '../../test/frames.ts'
import { methods, open, outcome, served, session } from '../../test/served.ts'
import { framed } from '../wire/grpc-framing.ts'

type Unary = ServerUnaryCall<Buffer, Buffer>
type Answer = sendUnaryData<Buffer>
type Exchange = ServerDuplexStream<Buffer, Buffer>

const echo = { unary: (call: Unary, answer: Answer) => answer(null, call.request) }

test.each([
  ['/test.Service/Other', 'There is no method /test.Service/Other here.'],
  ['/größe/100%', 'There is no method /größe/100% here.'],
])('a method that nobody answers is UNIMPLEMENTED: %s', async (path, words) => {
  const { address } = await served(echo)
  const call = open(session(address), path)
  call.end(framed(Buffer.alloc(0)))
  expect(await outcome(call)).toMatchObject({ http: 200, code: status.UNIMPLEMENTED, words })
})

test.each(['%', 'é'])('a path of 15,000 characters is refused in words that arrive: %s', async (letter) => {
  const { address } = await served(echo, { patienceMs: 20 })
  const { code, words } = await outcome(open(session(address), `/${letter.repeat(15_000)}`))
  expect(code).toBe(status.UNIMPLEMENTED)
  expect(words).toBe(`There is no method /${letter.repeat(99)} here.`)
})

test('what is no call of gRPC is answered in HTTP', async () => {
  const { address } = await served(echo, { patienceMs: 20 })
  const connection = session(address)
  const { path } = methods.unary
  expect(await outcome(open(connection, path, { 'content-type': 'text/plain' }))).toMatchObject({ http: 415 })
  expect(await outcome(open(connection, path, { 'content-type': 'application/grpcx' }))).toMatchObject({
    http: 415,
  })
  expect(await outcome(open(connection, path, { 'content-type': undefined }))).toMatchObject({ http: 415 })
  expect(await outcome(open(connection, path, { ':method': 'GET' }))).toMatchObject({ http: 405 })
  const call = open(connection, path, { 'content-type': 'application/grpc+proto' })
  call.end(framed(Buffer.from('x')))
  expect(await outcome(call)).toMatchObject({ http: 200, code: status.OK })
})

test('a method whose requests alone are a stream cannot be added', async () => {
  const { grpc } = await served({})
  const upload = { ...methods.exchange, path: '/test.Service/Upload', responseStream: false }
  expect(() => grpc.addService({ upload }, { upload: () => undefined })).toThrow(RangeError)
})

test('places for calls come back, however calls end', async () => {
  const { address } = await served(
    {
      ...echo,
      exchange: (call: Exchange) => void call.write(Buffer.from('begun')),
    },
    { callsPerConnection: 3, patienceMs: 20 },
  )
  const connection = session(address)
  await once(connection, 'remoteSettings')
  for (let round = 0; round < 20; round++) {
    const reset = open(connection, methods.exchange.path)
    reset.on('data', () => reset.close(8))
    const unknown = open(connection, '/nothing/here')
    const unfinished = open(connection, methods.unary.path)
    unfinished.write(Buffer.from([0, 0]), () => unfinished.close(8))
    await Promise.all([outcome(reset), outcome(unknown), outcome(unfinished)])
  }
  const call = open(connection, methods.unary.path)
  call.end(framed(Buffer.from('x')))
  expect((await outcome(call)).code).toBe(status.OK)
})

test('it closes when the calls that are under way are over, and takes no others', async () => {
  let release = (): void => undefined
  const { address, grpc } = await served({
    unary: (call: Unary, answer: Answer) => {
      release = () => answer(null, call.request)
      begun()
    },
  })
  let begun = (): void => undefined
  const isBegun = new Promise<void>((resolve) => {
    begun = resolve
  })
  const idle = session(address)
  const connection = session(address)
  await Promise.all([once(idle, 'connect'), once(connection, 'connect')])
  const call = open(connection, methods.unary.path)
  call.end(framed(Buffer.from('x')))
  const end = outcome(call)
  await isBegun
  let isClosed = false
  const closing = grpc.close().then(() => {
    isClosed = true
  })
  // Who has no call is let go.
  if (!idle.closed) await once(idle, 'close')
  const [host = '', port] = address.split(':')
  const late = connect(Number(port), host)
  late.on('error', () => undefined)
  await once(late, 'close')
  expect(isClosed).toBe(false)
  release()
  expect((await end).code).toBe(status.OK)
  await closing
})

test('to destroy it breaks off what is under way', async () => {
  const { address, grpc } = await served({
    exchange: (call: Exchange) => {
      call.on('cancelled', () => cancelled++)
      call.write(Buffer.from('begun'))
    },
  })
  let cancelled = 0
  const connection = session(address)
  const call = open(connection, methods.exchange.path)
  await once(call, 'data')
  grpc.destroy()
  if (!connection.closed) await once(connection, 'close')
  expect(cancelled).toBe(1)
})

test.each(['unary', 'exchange'] as const)(
  'a handler may answer while its connection breaks: %s',
  async (name) => {
    const { address, grpc, faults } = await served({
      unary: (call: Unary, answer: Answer) => {
        grpc.destroy()
        answer(null, call.request)
      },
      exchange: (call: Exchange) => {
        call.write(Buffer.from('begun'))
        grpc.destroy()
        call.write(Buffer.from('more'))
        call.end()
      },
    })
    const connection = session(address)
    const call = open(connection, methods[name].path)
    call.end(framed(Buffer.from('x')))
    await outcome(call)
    expect(faults).toEqual([])
  },
)

test('a failure while the connection breaks goes nowhere', async () => {
  const { address, grpc, faults } = await served({
    unary: (_: Unary, answer: Answer) => {
      grpc.destroy()
      answer({ code: status.ABORTED })
    },
  })
  const call = open(session(address), methods.unary.path)
  call.end(framed(Buffer.from('x')))
  await outcome(call)
  expect(faults).toEqual([])
})

test('a connection without calls is closed in time, and one with a call that is silent is not', async () => {
  const { address } = await served(
    { ...echo, exchange: (call: Exchange) => void call.write(Buffer.from('begun')) },
    { idleMs: 40 },
  )
  const busy = session(address)
  const stream = open(busy, methods.exchange.path)
  await once(stream, 'data')
  for (let round = 0; round < 3; round++) {
    const idle = session(address)
    await once(idle, 'close')
  }
  expect(busy.closed || busy.destroyed || stream.closed).toBe(false)
})

test('a connection whose calls are over is idle, however they ended', async () => {
  const { address } = await served(
    {
      ...echo,
      download: () => undefined,
      exchange: (call: Exchange) => {
        call.on('data', (message: Buffer) => {
          call.pause()
          call.write(Buffer.from('begun'))
          if (message[0] === 1) call.emit('error', { code: status.ABORTED, details: 'enough' })
        })
      },
    },
    { idleMs: 40, patienceMs: 60_000 },
  )
  const used = session(address)
  const answered = open(used, methods.unary.path)
  answered.end(framed(Buffer.from('x')))
  const unknown = open(used, '/nothing/here')
  unknown.end()
  const noCall = open(used, methods.unary.path, { 'content-type': 'text/plain' })
  noCall.end()
  // What came after it was not read, and never will be.
  const unread = open(used, methods.exchange.path)
  unread.write(framed(Buffer.alloc(30_000)))
  unread.on('data', () => unread.close(8))
  const failed = open(used, methods.exchange.path)
  failed.end(framed(Buffer.alloc(30_000, 1)))
  const silent = open(used, methods.download.path)
  silent.write(framed(Buffer.alloc(0)), () => silent.close(8))
  await Promise.all([answered, unknown, noCall, unread, failed, silent].map(outcome))
  if (!used.closed) await once(used, 'close')
  expect(used.destroyed).toBe(true)
})

test('a connection whose other end gives no sign of life is broken', async () => {
  const { address } = await served(echo, { pingMs: 5, silentMs: 20 })
  const [host = '', port] = address.split(':')
  const socket = connect(Number(port), host)
  onTestFinished(() => void socket.destroy())
  socket.write(Buffer.concat([preface, noSettings]))
  const seen: Buffer[] = []
  socket.on('data', (chunk: Buffer) => seen.push(chunk))
  await once(socket, 'close')
  // It was asked: PING is a frame of type 6 with eight bytes.
  expect(Buffer.concat(seen).includes(Buffer.from('0000080600', 'hex'))).toBe(true)
})

for (const [name, path] of [
  ['an answer', methods.unary.path],
  ['a stream of them', methods.download.path],
] as const)
  test(`a request for ${name} that does not come is told of, with who makes it`, async () => {
    let found: (peer: string) => void = () => undefined
    const late = new Promise<string>((resolve) => {
      found = resolve
    })
    const { address } = await served(
      { unary: () => undefined, download: () => undefined },
      { unfinished: { withinMs: 20, late: (peer) => found(peer) } },
    )
    const caller = session(address)
    open(caller, path).write(Buffer.from([0, 0]))
    expect(await late).toBe(`127.0.0.1:${caller.socket.localPort}`)
  })

test('who has left, and who has sent a whole request, is not told of', async () => {
  const late: string[] = []
  let found: () => void = () => undefined
  const isLate = new Promise<void>((resolve) => {
    found = resolve
  })
  const { address } = await served(
    { unary: () => undefined },
    {
      unfinished: {
        withinMs: 40,
        late: (peer) => {
          late.push(peer)
          found()
        },
      },
    },
  )
  const [left, whole, last] = [session(address), session(address), session(address)]
  const leaving = open(left, methods.unary.path)
  leaving.write(Buffer.from([0, 0]), () => leaving.close(8))
  await outcome(leaving)
  open(whole, methods.unary.path).end(framed(Buffer.from('x')))
  await new Promise((resolve) => whole.ping(resolve))
  open(last, methods.unary.path).write(Buffer.from([0, 0]))
  await isLate
  expect(late).toEqual([`127.0.0.1:${last.socket.localPort}`])
})

test.each([
  ['unknown ones', { path: '/nothing/here' }],
  ['no calls at all', { method: 'GET' }],
  ['calls of a method', { path: methods.unary.path }],
])(
  'who makes calls and reads no answers is not read any further, and let go in time: %s',
  async (_, kind) => {
    const { address } = await served(echo, { pingMs: 200, silentMs: 200 })
    const [host = '', port] = address.split(':')
    const socket = connect(Number(port), host)
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => undefined)
    socket.pause()
    socket.write(Buffer.concat([preface, noSettings]))
    let calls = 0
    const many = (): Buffer =>
      Buffer.concat(
        Array.from({ length: 1_000 }, () =>
          headersFrame({ ...kind, stream: 2 * calls++ + 1, isWhole: true }),
        ),
      )
    const goOn = (): void => void socket.write(many(), (error) => (error ? undefined : setImmediate(goOn)))
    goOn()
    expect(await new Promise((resolve) => socket.on('close', () => resolve('closed')))).toBe('closed')
  },
)

test('who reads its answers may make calls without end', async () => {
  const { address } = await served(echo)
  const connection = session(address)
  for (let at = 0; at < 1_000; at++) {
    const call = open(connection, at % 2 === 0 ? methods.unary.path : '/nothing/here')
    call.end(framed(Buffer.from('x')))
    expect((await outcome(call)).http).toBe(200)
  }
})

import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { createServer, type Server as NetServer, type Socket } from 'node:net'
import { helloOf, TransportRecorder } from '@chatroom/replica/testing'
import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { freePorts } from '../../test/ports.ts'
import { startRemote } from '../../test/remote-member.ts'
import { TransportError } from '../errors.ts'
import {
  type LinkRequest,
  type LinkResponse,
  ReplicaServiceService,
} from '../gen/chatroom/replica/v1/replica_service.ts'
import type { TransportLimits } from '../limits.ts'
import { type ListenerEvents, openListener } from '../listener.ts'
import { createGrpcTransport, GrpcLinks, type GrpcTransport } from '../transport.ts'

// A replica dials others, and whatever else may listen where it looks for them.

const host = '127.0.0.1'
const hourMs = 3_600_000
const closers: (() => unknown)[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  for (const close of closers.splice(0).reverse()) await close()
})

interface Dialler {
  readonly transport: GrpcTransport
  readonly recorder: TransportRecorder
}

/** Replica `id` of two. */
async function start(
  id: number,
  ports: readonly number[],
  limits: Partial<TransportLimits> = {},
  hello = helloOf(id),
): Promise<Dialler> {
  const peers = new Map(ports.map((port, peer) => [peer, { host, port }]))
  const transport = createGrpcTransport({
    id,
    listen: { host, port: ports[id] ?? 0 },
    peers,
    limits: { answerMs: hourMs, ...limits },
  })
  closers.push(() => transport.stop())
  const recorder = new TransportRecorder(hello)
  await transport.start(recorder)
  return { transport, recorder }
}

function kindsAt(recorder: TransportRecorder, from = 0): string[] {
  return recorder.events
    .slice(from)
    .map((event) => (event.type === 'observed' ? event.observation.type : 'received'))
}

function listening(server: NetServer, port: number): Promise<void> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  closers.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return new Promise((resolve) => {
    server.listen(port, host, resolve)
  })
}

/** A replica 1 of the stock gRPC server that does with a call what the test says. */
async function stranger(
  port: number,
  answer: (call: ServerDuplexStream<LinkRequest, LinkResponse>) => void,
): Promise<void> {
  const server = new Server()
  closers.push(() => server.forceShutdown())
  server.addService(ReplicaServiceService, { link: answer })
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error) => {
      if (error) reject(error)
      else resolve()
    })
  })
}

function helloFrom(port: number): LinkResponse {
  const first = { machineVersion: undefined, neededVersion: undefined }
  return { hello: { ...first, ...helloOf(1), to: 0, attempt: 0, listener: { host, port } } }
}

describe('what is no replica', () => {
  test('a listener that hangs up', async () => {
    const ports = await freePorts(2)
    await listening(
      createServer((socket) => socket.destroy()),
      ports[1] ?? 0,
    )
    const { recorder } = await start(0, ports)
    await recorder.untilObserved(1, 'unreachable')
    expect(kindsAt(recorder)).not.toContain('refused')
  })

  test('a web server', async () => {
    const ports = await freePorts(2)
    await listening(
      createHttpServer((_, response) => response.end('hello')),
      ports[1] ?? 0,
    )
    const { recorder } = await start(0, ports)
    await recorder.untilObserved(1, 'unreachable')
    expect(kindsAt(recorder)).not.toContain('refused')
  })

  test('an HTTP/2 server of something else', async () => {
    const ports = await freePorts(2)
    const server = createHttp2Server((_, response) => {
      response.statusCode = 404
      response.end()
    })
    await listening(server, ports[1] ?? 0)
    const { recorder } = await start(0, ports)
    const { reason } = await recorder.untilObserved(1, 'unreachable')
    expect(reason).toBe('what listens there answers HTTP 404: it is no replica')
  })

  test('a server of HTTP/1', async () => {
    const ports = await freePorts(2)
    const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    await listening(server, ports[1] ?? 0)
    const { recorder } = await start(0, ports)
    const { reason } = await recorder.untilObserved(1, 'unreachable')
    expect(reason).toContain('The other end speaks HTTP/1, not HTTP/2.')
  })

  test('an HTTP/2 server that answers well and says nothing', async () => {
    const ports = await freePorts(2)
    const server = createHttp2Server()
    server.on('stream', (stream) => {
      stream.respond({ ':status': 200 })
      stream.end()
    })
    await listening(server, ports[1] ?? 0)
    const { recorder } = await start(0, ports)
    const { reason } = await recorder.untilObserved(1, 'unreachable')
    expect(reason).toBe('the call was ended without a status')
  })

  test('a gRPC server without the service is rejected in its own words', async () => {
    const ports = await freePorts(2)
    const server = new Server()
    closers.push(() => server.forceShutdown())
    await new Promise<void>((resolve) => {
      server.bindAsync(`${host}:${ports[1]}`, ServerCredentials.createInsecure(), () => resolve())
    })
    const { recorder } = await start(0, ports)
    const { reason } = await recorder.untilObserved(1, 'rejected')
    expect(reason).toContain('chatroom.replica.v1.ReplicaService/Link')
    await recorder.untilObserved(1, 'unreachable')
  })
})

describe('a replica that breaks the protocol', () => {
  test('an answer that cannot be read ends the attempt', async () => {
    const ports = await freePorts(2)
    await stranger(ports[1] ?? 0, (call) => call.write({ hello: undefined }))
    const { recorder } = await start(0, ports)
    const { reason } = await recorder.untilObserved(1, 'unreachable')
    expect(reason).toBe('Not a message between replicas: a request without its content.')
  })

  test('a second answer breaks the link', async () => {
    const ports = await freePorts(2)
    const hello = helloFrom(ports[1] ?? 0)
    await stranger(ports[1] ?? 0, (call) => {
      call.write(hello)
      call.once('data', () => call.write(hello))
    })
    const { recorder } = await start(0, ports)
    const { reason } = await recorder.untilObserved(1, 'disconnected')
    expect(reason).toBe('replica 1 said hello twice')
  })

  test('one that listens elsewhere is rejected', async () => {
    const ports = await freePorts(2)
    await stranger(ports[1] ?? 0, (call) => call.write(helloFrom(1)))
    const { recorder } = await start(0, ports)
    const { reason } = await recorder.untilObserved(1, 'rejected')
    expect(reason).toBe(
      `Replica 1 listens on ${host}:1 and is configured here as ${host}:${ports[1]}: make the two equal.`,
    )
    expect(kindsAt(recorder)).not.toContain('connected')
  })

  test('one that ends every link soon is dialled again with pauses that grow', async () => {
    const ports = await freePorts(2)
    await stranger(ports[1] ?? 0, (call) => {
      call.write(helloFrom(ports[1] ?? 0))
      call.end()
    })
    const pauses = pausesAskedFor()
    const { recorder } = await start(0, ports, {
      firstPauseMs: 3,
      longestPauseMs: 7,
      answerMs: hourMs,
      steadyMs: hourMs,
    })
    await recorder.until('many attempts', (event) =>
      event.type === 'observed' && event.observation.type === 'connected' && event.observation.attempt === 8
        ? true
        : undefined,
    )
    expect(pauses()).toEqual([3, 6, 7, 7])
  })
})

/** What was given to `setTimeout` by attempts, in order; not the limits of answers and signs of life, which are longer here. */
function pausesAskedFor(): () => number[] {
  const timeouts = vi.spyOn(globalThis, 'setTimeout')
  return () => timeouts.mock.calls.map(([, ms]) => ms ?? 0).filter((ms) => ms < 500)
}

describe('when to try again', () => {
  test('refused attempts have pauses that double up to the longest', async () => {
    const ports = await freePorts(2)
    const pauses = pausesAskedFor()
    const { recorder } = await start(0, ports, { firstPauseMs: 1, longestPauseMs: 6, answerMs: hourMs })
    await recorder.until('the sixth refusal', (event) =>
      event.type === 'observed' && event.observation.type === 'refused' && event.observation.attempt === 6
        ? true
        : undefined,
    )
    expect(pauses()).toEqual([1, 2, 4, 6, 6, 6])
  })

  test('word from a peer ends the pause: two that start together meet at once', async () => {
    const ports = await freePorts(2)
    // No pause ends by itself in this test.
    const limits = { firstPauseMs: hourMs, longestPauseMs: hourMs }
    const one = await start(0, ports, limits)
    await one.recorder.untilObserved(1, 'refused')
    const other = await start(1, ports, limits)
    await other.recorder.untilObserved(0, 'connected')
    expect((await one.recorder.untilObserved(1, 'connected')).attempt).toBe(2)
  })

  test('a link that breaks is dialled again without a pause', async () => {
    const ports = await freePorts(2)
    const limits = { firstPauseMs: hourMs, longestPauseMs: hourMs }
    const one = await start(0, ports, limits)
    const other = await start(1, ports, limits)
    await one.recorder.untilObserved(1, 'connected')
    const before = one.recorder.events.length
    await other.transport.stop()
    await one.recorder.untilObserved(1, 'refused', before)
    expect(kindsAt(one.recorder, before)).toEqual(['disconnected', 'attempting', 'refused'])
  })
})

test('a refusal at a name proves nothing', async () => {
  const ports = await freePorts(2)
  const transport = createGrpcTransport({
    id: 0,
    listen: { host, port: ports[0] ?? 0 },
    peers: new Map([[1, { host: 'localhost', port: ports[1] ?? 0 }]]),
  })
  closers.push(() => transport.stop())
  const recorder = new TransportRecorder(helloOf(0))
  await transport.start(recorder)
  expect((await recorder.untilObserved(1, 'refused')).exact).toBe(false)
})

test('a link to a member that gives no sign of life breaks, and comes back with it', async () => {
  const ports = await freePorts(2)
  const limits = { pingMs: 20, silentMs: 300, answerMs: 200 }
  const addresses = ports.map((port) => ({ host, port }))
  const remote = await startRemote({ hello: helloOf(1), addresses, limits })
  closers.push(() => remote.kill())
  const { recorder } = await start(0, ports, limits)
  await recorder.untilObserved(1, 'connected')
  await remote.pause()
  const { reason } = await recorder.untilObserved(1, 'disconnected')
  expect(reason).toBe('no sign of life for 300 ms')
  expect((await recorder.untilObserved(1, 'unreachable')).reason).toBe('no answer within 200 ms')
  expect(kindsAt(recorder)).not.toContain('refused')
  const later = recorder.events.length
  await remote.resume()
  await recorder.untilObserved(1, 'connected', later)
})

describe('the transport itself', () => {
  test('a lost listener ends everything and rejects `closed`', async () => {
    const ports = await freePorts(2)
    const peers = new Map(ports.map((port, id) => [id, { host, port }]))
    let events: ListenerEvents | undefined
    const transport = new GrpcLinks(
      { id: 0, listen: { host, port: ports[0] ?? 0 }, peers },
      (wanted, given) => {
        events = given
        return openListener(wanted, given)
      },
    )
    const recorder = new TransportRecorder(helloOf(0))
    await transport.start(recorder)
    const other = await start(1, ports)
    await recorder.untilObserved(1, 'connected')
    const before = recorder.events.length
    events?.lost(new TransportError('listener lost', 'gone'))
    await expect(transport.closed).rejects.toMatchObject({ code: 'listener lost' })
    await other.recorder.untilObserved(0, 'refused')
    transport.send(helloOf(1).member, { type: 'timeoutNow', term: 1 })
    expect(recorder.events.length).toBe(before)
    expect(other.recorder.received).toEqual([])
  })

  test('a taken address is told in words', async () => {
    const ports = await freePorts(1)
    await start(0, ports)
    await expect(start(0, ports)).rejects.toMatchObject({
      name: 'TransportError',
      code: 'address in use',
      message: `The peer address ${host}:${ports[0]} is taken by another process: end that process, or choose another peer port.`,
    })
  })

  test('`closed` resolves after `stop`, also without a start', async () => {
    const transport = createGrpcTransport({ id: 0, listen: { host, port: 0 }, peers: new Map() })
    expect(transport.address).toBeNull()
    await transport.stop()
    await expect(transport.closed).resolves.toBeUndefined()
  })

  test('is started once', async () => {
    const [port = 0] = await freePorts(1)
    const { transport } = await start(0, [port])
    expect(transport.address).toEqual({ host, port })
    await expect(transport.start(new TransportRecorder(helloOf(0)))).rejects.toMatchObject({
      code: 'invalid configuration',
    })
  })

  test.each([
    ['peer 1: 127.0.0.1:0 has no port between 1 and 65535.', { host, port: 0 }],
    ['peer 1: 127.0.0.1:1.5 has no port between 1 and 65535.', { host, port: 1.5 }],
    ['peer 1: no host is given.', { host: '', port: 1 }],
  ])('options that cannot work: %s', (message, address) => {
    const listen = { host, port: 0 }
    expect(() => createGrpcTransport({ id: 0, listen, peers: new Map([[1, address]]) })).toThrow(message)
  })
})

describe('a replica that does not take part yet', () => {
  test('is as exactly gone as one that nobody listens for, says why, and is linked to when it begins', async () => {
    const ports = await freePorts(2)
    const waiting = createGrpcTransport({
      id: 1,
      listen: { host, port: ports[1] ?? 0 },
      peers: new Map([[0, { host, port: ports[0] ?? 0 }]]),
    })
    closers.push(() => waiting.stop())
    await waiting.listen?.(() => 'replica 1 waits for entry 5')
    const { recorder } = await start(0, ports)
    await recorder.untilObserved(1, 'refused')
    expect(recorder.observations(1).slice(0, 3)).toEqual([
      { type: 'attempting', peer: 1, attempt: 1 },
      { type: 'rejected', peer: 1, reason: 'replica 1 waits for entry 5' },
      { type: 'refused', peer: 1, attempt: 1, exact: true },
    ])
    const begun = new TransportRecorder(helloOf(1))
    await waiting.start(begun)
    await recorder.untilObserved(1, 'connected')
    await begun.untilObserved(0, 'connected')
  })

  test('has an address that nobody else may take, until it stops', async () => {
    const [port = 0] = await freePorts(1)
    const make = (): GrpcTransport => createGrpcTransport({ id: 1, listen: { host, port }, peers: new Map() })
    const first = make()
    await first.listen?.(() => 'it waits')
    await expect(make().listen?.(() => 'it waits')).rejects.toMatchObject({ code: 'address in use' })
    await first.stop()
    const second = make()
    closers.push(() => second.stop())
    await second.listen?.(() => 'it waits')
    expect(second.address).toEqual({ host, port })
  })
})

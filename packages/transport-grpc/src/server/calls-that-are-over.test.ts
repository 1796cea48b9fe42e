import { once } from 'node:events'
import { connect, createServer, type Server as NetServer, type Socket } from 'node:net'
import { helloOf, TransportRecorder } from '@chatroom/replica/testing'
import { Client, credentials, Metadata, status } from '@grpc/grpc-js'
import { afterEach, expect, test } from 'vitest'
import { frame, headersFrame, noSettings, preface } from '../../test/frames.ts'
import { freePorts } from '../../test/ports.ts'
import { refuseCalls } from '../tls/refusal.ts'
import { createGrpcTransport } from '../transport.ts'
import { GrpcServer } from './grpc-server.ts'

// Frames of HTTP/2 as a hostile caller writes them (RFC 9113, section 6): a call that is over before anybody has looked at it. An exception that nobody catches fails these tests, as it would end a
// replica.

const host = '127.0.0.1'
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const reset = (code: number): Buffer => frame(3, 0, 1, Buffer.of(0, 0, 0, code))
const goodbye = (code: number): Buffer => frame(7, 0, 0, Buffer.of(0, 0, 0, 0, 0, 0, 0, code))

/** It looks at what comes first, as ours do. Then Node reads all of it before it tells of the first call. */
function lookingServer(taken: (socket: Socket) => void): NetServer {
  return createServer((socket) => {
    socket.once('readable', () => {
      const bytes: unknown = socket.read()
      if (!Buffer.isBuffer(bytes)) return
      socket.unshift(bytes)
      taken(socket)
    })
  })
}

async function listening(server: NetServer): Promise<number> {
  const [port = 0] = await freePorts(1)
  server.listen(port, host)
  await once(server, 'listening')
  closers.push(() => server.close())
  return port
}

const servers: [string, () => Promise<number>][] = [
  [
    'a server',
    () => {
      const onFault = (): void => expect.unreachable()
      const limits = { longestRequest: 1_000, callsPerConnection: 10, pingMs: 60_000, silentMs: 60_000 }
      const grpc = new GrpcServer({ ...limits, onFault })
      closers.push(() => grpc.destroy())
      return listening(lookingServer((socket) => grpc.accept(socket)))
    },
  ],
  [
    'a port that refuses all calls',
    () => listening(lookingServer((socket) => refuseCalls(socket, 'not here'))),
  ],
  ['a peer port', () => peerPort()],
]

async function peerPort(limits = {}): Promise<number> {
  const [port = 0] = await freePorts(1)
  const transport = createGrpcTransport({ id: 0, listen: { host, port }, peers: new Map(), limits })
  closers.push(() => transport.stop())
  await transport.start(new TransportRecorder(helloOf(0)))
  return port
}

/** Sends this in one packet, and waits until the other end has taken it in: until it has answered a ping after it, or closed. */
async function say(port: number, bytes: Buffer): Promise<void> {
  const socket = connect({ port, host, allowHalfOpen: true })
  closers.push(() => socket.destroy())
  socket.on('error', () => undefined)
  socket.write(Buffer.concat([bytes, frame(6, 0, 0, Buffer.from('anybody?'))]))
  await taken(socket)
}

function taken(socket: Socket): Promise<void> {
  let seen = ''
  return new Promise((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      seen += chunk.toString('latin1')
      if (seen.includes('anybody?')) resolve()
    })
    socket.on('end', resolve)
    socket.on('close', () => resolve())
  })
}

test.each(servers)('%s passes over calls that are over before it has seen them', async (_, start) => {
  const port = await start()
  for (const method of ['GET', 'POST'])
    for (const contentType of ['application/grpc', 'text/plain'])
      for (const end of [reset(0), reset(2), reset(8), goodbye(0), goodbye(2), goodbye(8)])
        await say(port, Buffer.concat([preface, noSettings, headersFrame({ method, contentType }), end]))

  const client = new Client(`${host}:${port}`, credentials.createInsecure())
  closers.push(() => client.close())
  const asItIs = (bytes: Buffer): Buffer => bytes
  const code = await new Promise((resolve) => {
    client.makeUnaryRequest('/nothing/here', asItIs, asItIs, Buffer.alloc(0), new Metadata(), {}, (error) =>
      resolve(error?.code),
    )
  })
  expect([status.UNIMPLEMENTED, status.UNAUTHENTICATED]).toContain(code)
})

test('who says goodbye and stays is let go', async () => {
  const port = await peerPort({ pingMs: 5, silentMs: 20 })
  const socket = connect({ port, host, allowHalfOpen: true })
  closers.push(() => socket.destroy())
  socket.on('error', () => undefined)
  socket.resume()
  socket.write(Buffer.concat([preface, noSettings, goodbye(0)]))
  const goOn = (): void => {
    if (!socket.destroyed) socket.write(frame(6, 0, 0, Buffer.alloc(8)), () => setImmediate(goOn))
  }
  goOn()
  expect(await new Promise((resolve) => socket.on('close', () => resolve('closed')))).toBe('closed')
})

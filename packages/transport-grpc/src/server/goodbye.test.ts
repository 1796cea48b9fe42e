import { once } from 'node:events'
import type { ClientHttp2Session } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js'
import { expect, onTestFinished, test } from 'vitest'
import { frame, headersFrame, noSettings, preface } from '../../test/frames.ts'
import { methods, type Outcome, open, outcome, type Served, served, session } from '../../test/served.ts'
import { framed } from '../wire/grpc-framing.ts'

type Call = ServerUnaryCall<Buffer, Buffer>
type Answer = sendUnaryData<Buffer>

const goodbye = frame(7, 0, 0, Buffer.alloc(8))
const { path } = methods.unary

function dial(address: string): Socket {
  const [host = '', port] = address.split(':')
  const socket = connect(Number(port), host)
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => undefined)
  return socket
}

test('who says goodbye between two calls harms nobody, however often', async () => {
  const { address } = await served({ unary: (call: Call, answer: Answer) => answer(null, call.request) })
  const calls = Array.from({ length: 60 }, (_, at) =>
    headersFrame({ path, stream: 3 + 2 * at, isWhole: true }),
  )
  const packet = Buffer.concat([preface, noSettings, headersFrame({ path }), goodbye, ...calls])
  // Through `node:http2` of Node 20 they ended the process after 100 to 350: that does not fail this test, it ends it.
  for (let round = 0; round < 1_000; round++) {
    const socket = dial(address)
    socket.write(packet)
    await once(socket, 'data')
    socket.destroy()
  }
  const call = open(session(address), path)
  call.end(framed(Buffer.from('x')))
  expect((await outcome(call)).code).toBe(status.OK)
})

/** A call that is under way until the test releases it. */
interface UnderWay {
  readonly grpc: Served['grpc']
  readonly address: string
  readonly connection: ClientHttp2Session
  readonly end: Promise<Outcome>
  readonly release: () => void
}

/** On a server that pings often, and on which an idle connection is soon closed. */
async function underWay(): Promise<UnderWay> {
  let begun: (release: () => void) => void = () => undefined
  const isBegun = new Promise<() => void>((resolve) => {
    begun = resolve
  })
  const { grpc, address } = await served(
    { unary: (call: Call, answer: Answer) => begun(() => answer(null, call.request)) },
    { pingMs: 5, silentMs: 10, idleMs: 80 },
  )
  const connection = session(address)
  const call = open(connection, path)
  call.end(framed(Buffer.from('x')))
  return { grpc, address, connection, end: outcome(call), release: await isBegun }
}

test('a call under way goes on when its caller has said goodbye, and then the connection ends', async () => {
  const { address, connection, end, release } = await underWay()
  connection.close()
  // Longer than it takes to miss a sign of life.
  await once(session(address), 'close')
  release()
  expect((await end).code).toBe(status.OK)
  if (!connection.destroyed) await once(connection, 'close')
})

test('a call under way goes on while the server closes, and then its connection ends', async () => {
  const { grpc, address, connection, end, release } = await underWay()
  const idle = session(address)
  await once(idle, 'connect')
  const closing = grpc.close()
  expect(grpc.close()).toBe(closing)
  if (!idle.destroyed) await once(idle, 'close')
  // Longer than it takes to miss a sign of life: as long as another server lets a connection be idle.
  const other = await served({}, { idleMs: 80 })
  await once(session(other.address), 'close')
  release()
  expect((await end).code).toBe(status.OK)
  await closing
  if (!connection.destroyed) await once(connection, 'close')
})

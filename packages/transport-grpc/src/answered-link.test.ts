import { once } from 'node:events'
import {
  type ClientHttp2Session,
  connect as connectHttp2,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2'
import { connect } from 'node:net'
import { status } from '@grpc/grpc-js'
import { afterEach, expect, test } from 'vitest'
import { answerer, frameBytes, helloBytes, host } from '../test/answerer.ts'
import { ReplicaServiceService } from './gen/chatroom/replica/v1/replica_service.ts'
import { linkSetting } from './link-opening.ts'
import { fillPrefix, prefixBytes } from './wire/grpc-framing.ts'

// A connection that says it carries a link, with callers that a replica never is.

const { path } = ReplicaServiceService.link
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

function link(port: number): ClientHttp2Session {
  const session = connectHttp2(`http://${host}:${port}`, {
    settings: { customSettings: { [linkSetting]: 1 } },
  })
  session.on('error', () => {})
  closers.push(() => session.destroy())
  return session
}

function hello(port: number, attempt = 1): Buffer {
  return framed(helloBytes({ port, attempt }))
}

function framed(message: Uint8Array): Buffer {
  return fillPrefix(Buffer.concat([Buffer.alloc(prefixBytes), message]))
}

interface Ended {
  readonly code: number
  readonly words: string
}

/** Makes a call; `bytes` are sent, then `later` when there was an answer, and its side stays open, unless `andEnd`. */
function ended(
  session: ClientHttp2Session,
  to: string,
  bytes: Buffer,
  { later, andEnd = false }: { later?: Buffer; andEnd?: boolean } = {},
): Promise<Ended> {
  const call = session.request({
    ':method': 'POST',
    ':path': to,
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  call.on('error', () => {})
  call.on('data', () => {
    if (later !== undefined) call.write(later)
  })
  call.write(bytes)
  if (andEnd) call.end()
  return new Promise((resolve) => {
    call.on('trailers', (headers: IncomingHttpHeaders) => {
      resolve({
        code: Number(headers['grpc-status']),
        words: decodeURIComponent(String(headers['grpc-message'])),
      })
    })
  })
}

test('there is no other method', async () => {
  const { port } = await answerer()
  expect(
    await ended(link(port), '/chatroom.admin.v1.AdminService/GetStatus', framed(Buffer.alloc(0))),
  ).toEqual({
    code: status.UNIMPLEMENTED,
    words: 'A connection for a link has no POST /chatroom.admin.v1.AdminService/GetStatus.',
  })
})

test('a caller that ends its side is answered in peace', async () => {
  const { port, callerPort } = await answerer()
  expect(await ended(link(port), path, hello(callerPort), { andEnd: true })).toEqual({
    code: status.OK,
    words: '',
  })
})

test('a message over the bound ends the call, and nothing after it is taken', async () => {
  const { port, callerPort, recorder } = await answerer({ queueBytes: 1_000 })
  const frame = framed(frameBytes(7))
  const later = Buffer.concat([framed(Buffer.alloc(1_001)), frame])
  expect(await ended(link(port), path, hello(callerPort), { later })).toEqual({
    code: status.INVALID_ARGUMENT,
    words: 'Not a message between replicas: a message of 1001 bytes, where at most 1000 are allowed.',
  })
  expect(recorder.received).toEqual([])
})

test.each([constants.NGHTTP2_CANCEL, constants.NGHTTP2_INTERNAL_ERROR])(
  'a call that is reset, with code %i, counts no more',
  async (code) => {
    const { port, callerPort } = await answerer()
    const calls = (attempt: number): Promise<{ accepted: boolean; reset: () => void }> => {
      const call = link(port).request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
      })
      call.on('error', () => {})
      call.write(hello(callerPort, attempt))
      return new Promise((resolve) => {
        const reset = (): void => call.close(code)
        call.on('data', () => resolve({ accepted: true, reset }))
        call.on('trailers', () => resolve({ accepted: false, reset }))
      })
    }
    const { reset } = await calls(9)
    reset()
    // As long as that one counts this one is taken for an old one that comes late.
    let accepted = false
    while (!accepted) ({ accepted } = await calls(8))
    expect(accepted).toBe(true)
  },
)

test('before it has said who it is a caller says little', async () => {
  const { port } = await answerer()
  expect(await ended(link(port), path, framed(Buffer.alloc(70_000)).subarray(0, 10))).toEqual({
    code: status.INVALID_ARGUMENT,
    words: 'Not a message between replicas: a message of 70000 bytes, where at most 65536 are allowed.',
  })
})

test('who stays when its call has ended is let go, whatever it still says', async () => {
  const { port } = await answerer()
  const session = link(port)
  const call = session.request({ ':method': 'POST', ':path': path })
  call.on('error', () => {})
  const noise = framed(Buffer.alloc(16_384, 1))
  const goOn = (): void => {
    if (!call.destroyed) call.write(noise, goOn)
  }
  goOn()
  expect(await new Promise((resolve) => session.on('close', () => resolve('closed')))).toBe('closed')
})

test('what a refusal says may be of any language', async () => {
  const { port } = await answerer()
  const { words } = await ended(link(port), '/größe/100%', Buffer.alloc(0))
  expect(words).toBe('A connection for a link has no POST /größe/100%.')
})

test.each(['%', 'é'])('words that grow on their way are cut, so that they arrive: %s', async (letter) => {
  const { port } = await answerer()
  const { code, words } = await ended(link(port), `/${letter.repeat(15_000)}`, Buffer.alloc(0))
  expect(code).toBe(status.UNIMPLEMENTED)
  expect(words).toMatch(/^A connection for a link has no POST \/[%é]+$/)
})

test('a connection whose other end gives no sign of life is closed', async () => {
  const { port } = await answerer({ pingMs: 5, silentMs: 20 })
  const socket = connect(port, host)
  closers.push(() => socket.destroy())
  const settings = Buffer.from('000006040000000000f1c400000001', 'hex')
  socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), settings]))
  const seen: Buffer[] = []
  socket.on('data', (chunk: Buffer) => seen.push(chunk))
  await once(socket, 'close')
  // It was asked: PING is a frame of type 6 with eight bytes.
  expect(Buffer.concat(seen).includes(Buffer.from('0000080600', 'hex'))).toBe(true)
})

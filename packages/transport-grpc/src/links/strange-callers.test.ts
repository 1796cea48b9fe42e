import {
  type ClientHttp2Session,
  connect as connectHttp2,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2'
import { status } from '@grpc/grpc-js'
import { afterEach, expect, test } from 'vitest'
import { answerer, frameBytes, helloBytes, host } from '../../test/answerer.ts'
import { ReplicaServiceService } from '../gen/chatroom/replica/v1/replica_service.ts'
import { fillPrefix, prefixBytes } from '../wire/grpc-framing.ts'

// A link, with callers that a replica never is.

const { path } = ReplicaServiceService.link
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

function link(port: number): ClientHttp2Session {
  const session = connectHttp2(`http://${host}:${port}`)
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
    const status = (headers: IncomingHttpHeaders): void => {
      const { 'grpc-status': code, 'grpc-message': words = '' } = headers
      if (code !== undefined) resolve({ code: Number(code), words: decodeURIComponent(String(words)) })
    }
    // An answer that is nothing but a status comes as one.
    call.on('response', status)
    call.on('trailers', status)
  })
}

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
    code: status.RESOURCE_EXHAUSTED,
    words: 'A message of 1001 bytes, where at most 1000 are allowed.',
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
        call.on('end', () => resolve({ accepted: false, reset }))
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
    code: status.RESOURCE_EXHAUSTED,
    words: 'A message of 70000 bytes, where at most 65536 are allowed.',
  })
})

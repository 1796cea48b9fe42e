import {
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServerOptions,
  status,
} from '@grpc/grpc-js'
import { describe, expect, it, onTestFinished } from 'vitest'
import { UnaryCalls } from '../../src/http2/unary-calls.ts'
import { rawMethod } from '../../src/wire.ts'

const path = '/test.Test/Call'

/** A server of grpc-js that handles calls like this. */
async function serve(
  handle: handleUnaryCall<Buffer, Buffer>,
  options: ServerOptions = {},
): Promise<{ address: string; server: Server }> {
  const server = new Server(options)
  server.addService({ call: rawMethod(path) }, { call: handle })
  onTestFinished(() => server.forceShutdown())
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error) reject(error)
      else resolve(bound)
    })
  })
  return { address: `127.0.0.1:${port}`, server }
}

async function open(address: string, metadata = new Map<string, string>()): Promise<UnaryCalls> {
  const calls = await UnaryCalls.open({ address, path, metadata })
  onTestFinished(() => calls.close())
  return calls
}

const numbered = (count: number): number[] => Array.from({ length: count }, (_, number) => number)

describe('calls over a connection of their own frames', () => {
  it('bring each request and its metadata to a server of gRPC, and its status back', async () => {
    const seen: string[] = []
    const { address } = await serve(({ request, metadata }, done) => {
      seen.push(`${metadata.get('authorization').join()} ${request.toString()}`)
      done(null, request)
    })
    const calls = await open(address, new Map([['authorization', 'Bearer abc']]))
    // More than the first window of a connection (64 KiB) carries, in both directions, so that each side must grant more.
    const requests = numbered(200).map((number) => `${number}`.padEnd(1_000, '.'))
    const answers = await Promise.all(requests.map((request) => calls.call(Buffer.from(request))))
    expect(answers.map((answer) => answer.status)).toEqual(requests.map(() => status.OK))
    expect(seen).toEqual(requests.map((request) => `Bearer abc ${request}`))
  })

  it('read a refusal: its code, its words and what else is told', async () => {
    // All that base64 is made of, so that a wrong entry in the table of Huffman codes shows.
    const told = Buffer.from(numbered(256).map((number) => (number * 37) & 255))
    const metadata = new Metadata()
    metadata.set('detail-bin', told)
    const { address } = await serve((_, done) => {
      done({ code: status.RESOURCE_EXHAUSTED, details: 'Too many: try again.', metadata })
    })
    const calls = await open(address)
    const { status: code, trailers } = await calls.call(Buffer.from('request'))
    expect(code).toBe(status.RESOURCE_EXHAUSTED)
    expect(decodeURIComponent(trailers.get('grpc-message') ?? '')).toBe('Too many: try again.')
    expect(Buffer.from(trailers.get('detail-bin') ?? '', 'base64')).toEqual(told)
  })

  it('are no more at a time than the server takes', async () => {
    const { address } = await serve(() => undefined, { 'grpc.max_concurrent_streams': 2 })
    const calls = await open(address)
    const held = Promise.allSettled([calls.call(Buffer.from('1')), calls.call(Buffer.from('2'))])
    await expect(calls.call(Buffer.from('3'))).rejects.toThrow('takes 2 calls at a time')
    calls.close()
    expect(await held).toEqual([
      { status: 'rejected', reason: new Error('The connection was closed here.') },
      { status: 'rejected', reason: new Error('The connection was closed here.') },
    ])
    await expect(calls.call(Buffer.from('4'))).rejects.toThrow('closed here')
  })

  const gone = /closed the connection|broke|asked to leave/
  it('fail with the connection, and when a request is longer than a frame', async () => {
    const { address, server } = await serve(() => server.forceShutdown())
    const calls = await open(address)
    await expect(calls.call(Buffer.alloc(20_000))).rejects.toThrow(RangeError)
    await expect(calls.call(Buffer.from('1'))).rejects.toThrow(gone)
    await expect(calls.call(Buffer.from('2'))).rejects.toThrow(gone)
  })

  it('that a server began it still answers after it asked to leave; others are not made', async () => {
    const { address, server } = await serve(({ request }, done) => {
      server.tryShutdown(() => undefined)
      done(null, request)
    })
    const calls = await open(address)
    expect((await calls.call(Buffer.from('1'))).status).toBe(status.OK)
    await expect(calls.call(Buffer.from('2'))).rejects.toThrow('asked to leave')
  })
})

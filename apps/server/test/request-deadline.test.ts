import { connect } from 'node:http2'
import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js'
import { expect, it, onTestFinished, vi } from 'vitest'
import { requestDeadline } from '../src/request-deadline.ts'

const bytes = (value: Buffer): Buffer => value
const method = {
  path: '/test.Service/Call',
  requestStream: false,
  responseStream: false,
  requestSerialize: bytes,
  requestDeserialize: bytes,
  responseSerialize: bytes,
  responseDeserialize: bytes,
}

it('who sends a whole request is left alone, also after the time, and who does not is named at its own time', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  onTestFinished(() => {
    vi.useRealTimers()
  })
  const withinMs = 60
  const late: string[] = []
  let begun: () => void = () => undefined
  const watch = requestDeadline(withinMs, (peer) => late.push(peer))
  const server = new Server({
    interceptors: [
      (definition, call) => {
        begun()
        return watch(definition, call)
      },
    ],
  })
  const callers: string[] = []
  server.addService(
    { call: method },
    {
      call: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => {
        callers.push(call.getPeer())
        // However long the answer takes.
        vi.advanceTimersByTime(withinMs)
        answer(null, call.request)
      },
    },
  )
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    )
  })
  onTestFinished(() => server.forceShutdown())

  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  onTestFinished(() => client.close())
  const answered = await new Promise<Buffer | undefined>((resolve, reject) => {
    client.makeUnaryRequest(method.path, bytes, bytes, Buffer.from('whole'), (error, response) =>
      error === null ? resolve(response) : reject(error),
    )
  })
  expect(answered).toEqual(Buffer.from('whole'))
  expect(late).toEqual([])

  const headers = {
    ':method': 'POST',
    ':path': method.path,
    'content-type': 'application/grpc',
    te: 'trailers',
  }
  const unfinished = async (): Promise<string> => {
    const session = connect(`http://127.0.0.1:${port}`)
    onTestFinished(() => session.destroy())
    await new Promise<void>((resolve) => {
      begun = resolve
      session
        .request(headers)
        .on('error', () => undefined)
        .write(Buffer.from([0, 0]))
    })
    return `127.0.0.1:${session.socket.localPort}`
  }
  const first = await unfinished()
  vi.advanceTimersByTime(withinMs / 2)
  const second = await unfinished()
  vi.advanceTimersByTime(withinMs / 2 - 1)
  expect(late).toEqual([])
  vi.advanceTimersByTime(1)
  expect(late).toEqual([first])
  vi.advanceTimersByTime(withinMs / 2 - 1)
  expect(late).toEqual([first])
  vi.advanceTimersByTime(1)
  expect(late).toEqual([first, second])
  // The watch goes on after a time without any.
  vi.advanceTimersByTime(10 * withinMs)
  const third = await unfinished()
  vi.advanceTimersByTime(withinMs)
  expect(late).toEqual([first, second, third])
  expect(callers).toHaveLength(1)
  expect(late).not.toContain(callers[0])
})

import { once } from 'node:events'
import type { ServerDuplexStream, ServerWritableStream } from '@grpc/grpc-js'
import { status } from '@grpc/grpc-js'
import { expect, onTestFinished, test, vi } from 'vitest'
import { client, methods, open, outcome, served, session } from '../../test/served.ts'
import { framed, MessageSplitter } from '../wire/grpc-framing.ts'

type Download = ServerWritableStream<Buffer, Buffer>
type Exchange = ServerDuplexStream<Buffer, Buffer>

const { exchange, download } = methods

function texts(bytes: Buffer): string[] {
  return new MessageSplitter(bytes.length).push(bytes).map(String)
}

test('answers come in order, and then the end', async () => {
  const { address } = await served({
    download: (call: Download) => {
      for (let at = 0; at < 1_000; at++) call.write(Buffer.from(`${call.request.toString()} ${at}`))
      call.end()
    },
  })
  const { path, requestSerialize, responseDeserialize } = download
  const call = client(address).makeServerStreamRequest(
    path,
    requestSerialize,
    responseDeserialize,
    Buffer.from('number'),
  )
  const seen: string[] = []
  for await (const message of call) seen.push(String(message))
  expect(seen).toEqual(Array.from({ length: 1_000 }, (_, at) => `number ${at}`))
})

test('both sides speak as they like, and requests come in order', async () => {
  const { address } = await served({
    exchange: (call: Exchange) => {
      call.on('data', (message: Buffer) => call.write(message))
      call.on('end', () => call.end())
    },
  })
  const { path, requestSerialize, responseDeserialize } = exchange
  const call = client(address).makeBidiStreamRequest(path, requestSerialize, responseDeserialize)
  for (let at = 0; at < 1_000; at++) call.write(Buffer.from(String(at)))
  call.end()
  const seen: string[] = []
  for await (const message of call) seen.push(String(message))
  expect(seen).toEqual(Array.from({ length: 1_000 }, (_, at) => String(at)))
})

test('what the network does not take is told of by `write`, and `drain` comes when it does', async () => {
  const message = Buffer.alloc(100_000)
  const sent: number[] = []
  let wrote = 0
  let blocked = (): void => undefined
  const isBlocked = new Promise<void>((resolve) => {
    blocked = resolve
  })
  const { address } = await served({
    download: (call: Download) => {
      const writeOn = (): void => {
        while (wrote < 20) {
          const at = wrote++
          if (!call.write(message, () => sent.push(at))) {
            call.once('drain', writeOn)
            blocked()
            return
          }
        }
        call.end()
      }
      writeOn()
    },
  })
  const call = open(session(address), download.path)
  call.pause()
  call.end(framed(Buffer.alloc(0)))
  await isBlocked
  // More than a window of it has not gone: nobody reads.
  expect(wrote).toBeLessThan(20)
  expect(sent.length).toBeLessThan(wrote)
  const end = outcome(call)
  call.resume()
  const { bytes, code } = await end
  expect(code).toBe(status.OK)
  expect(bytes.length).toBe(20 * (5 + message.length))
  expect(sent).toEqual(Array.from({ length: 20 }, (_, at) => at))
})

test('who does not take what is written loses the call in time, and its handler is told', async () => {
  let cancelled = (): void => undefined
  const isCancelled = new Promise<void>((resolve) => {
    cancelled = resolve
  })
  const { address } = await served(
    {
      download: (call: Download) => {
        call.on('cancelled', () => cancelled())
        call.write(Buffer.alloc(100_000))
      },
    },
    { patienceMs: 20 },
  )
  const call = open(session(address), download.path)
  call.pause()
  call.end(framed(Buffer.alloc(0)))
  await isCancelled
  const { code } = await outcome(call.resume())
  expect({ code, reset: call.rstCode }).toEqual({ code: null, reset: 8 })
})

test('who takes what is written keeps the call, however long it lasts', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  onTestFinished(() => void vi.useRealTimers())
  let cancelled = 0
  const { address } = await served(
    {
      download: (call: Download) => {
        call.on('cancelled', () => cancelled++)
        call.on('drain', () => {
          vi.advanceTimersByTime(60_000)
          call.end()
        })
        call.write(Buffer.alloc(100_000))
      },
    },
    { patienceMs: 30_000 },
  )
  const call = open(session(address), download.path)
  call.end(framed(Buffer.alloc(0)))
  expect((await outcome(call)).code).toBe(status.OK)
  expect(cancelled).toBe(0)
})

test('who does not take the end of an answer loses it in time', async () => {
  const { address } = await served(
    {
      download: (call: Download) => {
        call.write(Buffer.alloc(100_000))
        call.end()
      },
    },
    { idleMs: 40, patienceMs: 20 },
  )
  const connection = session(address)
  const call = open(connection, download.path)
  call.pause()
  call.end(framed(Buffer.alloc(0)))
  // It has no call any more.
  await once(connection, 'goaway')
  const { code } = await outcome(call.resume())
  expect({ code, reset: call.rstCode }).toEqual({ code: null, reset: 8 })
})

test('a handler that pauses hears no more, and nothing is lost', async () => {
  const heard: string[] = []
  let resume = (): void => undefined
  const { address } = await served({
    exchange: (call: Exchange) => {
      resume = () => call.resume()
      call.on('data', (message: Buffer) => {
        heard.push(String(message))
        call.write(message)
        if (heard.length > 1) call.pause()
      })
      call.on('end', () => {
        heard.push('end')
        call.end()
      })
    },
  })
  const call = open(session(address), exchange.path)
  const heardUntilThen: string[] = []
  let seen = Buffer.alloc(0)
  call.on('data', (piece: Buffer) => {
    seen = Buffer.concat([seen, piece])
    if (texts(seen).length > 1) {
      heardUntilThen.push(heard.join(' '))
      resume()
    }
  })
  call.end(Buffer.concat(['1', '2', '3'].map((text) => framed(Buffer.from(text)))))
  const { code, bytes } = await outcome(call)
  expect(code).toBe(status.OK)
  // The third came in one piece with them, and the end behind it.
  expect(heardUntilThen).toEqual(['1 2', '1 2 3'])
  expect(texts(bytes)).toEqual(['1', '2', '3'])
})

test('while a handler pauses its caller cannot fill the memory', async () => {
  let paused = (): void => undefined
  const isPaused = new Promise<void>((resolve) => {
    paused = resolve
  })
  const { address } = await served({
    exchange: (call: Exchange) => {
      call.on('data', () => {
        call.pause()
        paused()
      })
    },
  })
  const connection = session(address)
  const call = open(connection, exchange.path)
  const message = framed(Buffer.alloc(900_000))
  const sent: number[] = []
  for (let at = 0; at < 10; at++) call.write(message, () => sent.push(at))
  await isPaused
  // Whatever could have been read until then has been.
  for (let round = 0; round < 500 && sent.length < 5; round++)
    await new Promise((resolve) => connection.ping(resolve))
  expect(sent.length).toBeLessThan(5)
})

test('a part of an answer that cannot be written is a fault of the server, and ends the stream', async () => {
  const { address, grpc, faults } = await served({})
  const responseSerialize = (bytes: Buffer): Buffer => {
    if (bytes.length === 0) throw new Error('secret')
    return bytes
  }
  grpc.addService(
    { download: { ...download, responseSerialize } },
    {
      download: (call: Download) => {
        call.write(Buffer.from('good'))
        setImmediate(() => {
          call.write(Buffer.alloc(0))
          call.end()
        })
      },
    },
  )
  const call = open(session(address), download.path)
  call.end(framed(Buffer.alloc(0)))
  const { code, bytes } = await outcome(call)
  expect({ code, heard: texts(bytes) }).toEqual({ code: status.INTERNAL, heard: ['good'] })
  expect(faults).toEqual([new Error('secret')])
})

/** A server that writes down what it hears of a stream of requests. */
async function listening(): Promise<{ address: string; heard: string[] }> {
  const heard: string[] = []
  const { address } = await served({
    exchange: (call: Exchange) => {
      call.on('data', (message: Buffer) => heard.push(String(message)))
      call.on('end', () => heard.push('end'))
      call.on('cancelled', () => heard.push('cancelled'))
    },
  })
  return { address, heard }
}

test('a stream of requests that ends within one does not end well', async () => {
  const { address, heard } = await listening()
  const call = open(session(address), exchange.path)
  call.end(Buffer.concat([framed(Buffer.from('whole')), Buffer.from([0, 0, 0, 0, 9, 1])]))
  expect((await outcome(call)).code).toBe(status.INTERNAL)
  expect(heard).toEqual(['whole', 'cancelled'])
})

test('a request of a stream that is begun and not ended is told of in time, and one that is held up is not', async () => {
  const late: string[] = []
  let found: () => void = () => undefined
  const isLate = new Promise<void>((resolve) => {
    found = resolve
  })
  const { address } = await served(
    {
      exchange: (call: Exchange) => {
        call.on('data', (message: Buffer) => {
          if (message.equals(Buffer.from('pause'))) call.pause()
          call.write(message)
        })
      },
    },
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
  const [held, whole, slow] = [session(address), session(address), session(address)]
  const begin = async (connection: typeof held, bytes: Buffer): Promise<void> => {
    const call = open(connection, exchange.path)
    call.write(bytes)
    await once(call, 'data')
  }
  await begin(held, Buffer.concat([framed(Buffer.from('pause')), Buffer.alloc(3)]))
  await begin(whole, framed(Buffer.from('x')))
  await begin(slow, Buffer.concat([framed(Buffer.from('x')), Buffer.alloc(3)]))
  await isLate
  expect(late).toEqual([`127.0.0.1:${slow.socket.localPort}`])
})

test('who does not take its answers is asked no more', async () => {
  let asked = 0
  const { address } = await served({
    exchange: (call: Exchange) => {
      call.on('data', () => {
        asked++
        call.write(Buffer.alloc(10_000))
      })
      call.on('end', () => call.end())
    },
  })
  const connection = session(address)
  const call = open(connection, exchange.path)
  call.pause()
  for (let at = 0; at < 1_000; at++) call.write(framed(Buffer.of(1)))
  call.end()
  await new Promise<void>((resolve) => connection.ping(() => resolve()))
  // A window of answers, and what is let wait here.
  expect(asked).toBeLessThan(20)
  const { code, bytes } = await outcome(call.resume())
  expect(code).toBe(status.OK)
  expect(bytes.length).toBe(1_000 * 10_005)
  expect(asked).toBe(1_000)
})

test('requests wait until somebody listens', async () => {
  const { address } = await served({
    exchange: (call: Exchange) => {
      setImmediate(() =>
        setImmediate(() => {
          call.on('data', (message: Buffer) => call.write(message))
          call.on('end', () => call.end())
        }),
      )
    },
  })
  const call = open(session(address), exchange.path)
  call.end(framed(Buffer.from('early')))
  expect(texts((await outcome(call)).bytes)).toEqual(['early'])
})

test('an error ends the call, after what was written, though the caller goes on', async () => {
  const { address } = await served(
    {
      exchange: (call: Exchange) => {
        call.on('data', (message: Buffer) => {
          call.write(message)
          call.emit('error', { code: status.ABORTED, details: 'enough' })
          call.write(Buffer.from('no more'))
          call.end()
        })
      },
    },
    { patienceMs: 20 },
  )
  const call = open(session(address), exchange.path)
  call.write(framed(Buffer.from('once')))
  const { code, words, bytes } = await outcome(call)
  expect({ code, words, heard: texts(bytes) }).toEqual({
    code: status.ABORTED,
    words: 'enough',
    heard: ['once'],
  })
})

test('an error before anything was said is the whole answer', async () => {
  const { address } = await served(
    {
      exchange: (call: Exchange) =>
        void call.emit('error', { code: status.UNAUTHENTICATED, details: 'who?' }),
    },
    { patienceMs: 20 },
  )
  const call = open(session(address), exchange.path)
  call.write(framed(Buffer.from('hello')))
  expect(await outcome(call)).toMatchObject({ code: status.UNAUTHENTICATED, words: 'who?' })
})

test.each([
  ['too long', framed(Buffer.alloc(1_000_001)), status.RESOURCE_EXHAUSTED],
  ['compressed', Buffer.from([1, 0, 0, 0, 0]), status.UNIMPLEMENTED],
])('a request that is %s ends the stream, which its handler is told', async (_, bytes, code) => {
  const { address, heard } = await listening()
  const call = open(session(address), exchange.path)
  call.end(Buffer.concat([framed(Buffer.from('good')), bytes, framed(Buffer.from('after'))]))
  expect((await outcome(call)).code).toBe(code)
  expect(heard.filter((it) => it !== 'good')).toEqual(['cancelled'])
})

test.each([0, 2, 8])(
  'a call that is reset, with code %i, is cancelled, though nobody reads what came',
  async (code) => {
    let sent = 0
    const over = new Promise<boolean>((resolve) => {
      void served({
        exchange: (call: Exchange) => {
          call.on('data', () => undefined)
          call.pause()
          call.on('cancelled', () => resolve(call.cancelled))
          call.write(Buffer.alloc(900_000), () => sent++)
        },
      }).then(({ address }) => {
        const call = open(session(address), exchange.path)
        call.write(framed(Buffer.alloc(30_000)))
        call.once('data', () => {
          call.pause()
          call.close(code)
        })
      })
    })
    expect(await over).toBe(true)
    // Long after it.
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(sent).toBe(0)
  },
)

import { once } from 'node:events'
import { connect } from 'node:http2'
import { createServer } from 'node:net'
import fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import { Caller, type Seen } from '../../test/caller.ts'
import { frame, headersFrame, noSettings, preface } from '../../test/frames.ts'
import { LinkedList } from '../linked-list.ts'
import { encodeFields } from './field-encoder.ts'
import { encodeReset, encodeSettings, encodeWindowUpdate } from './frames.ts'
import { errorCode, flag, frameType, setting } from './protocol.ts'
import { ServerConnection } from './server-connection.ts'

const call = headersFrame({})
const data = (content: Buffer, flags = 0, stream = 1): Buffer => frame(frameType.data, flags, stream, content)
const status = encodeFields([':status', '200'])
const trailers = encodeFields(['grpc-status', '0'])

/** The data of a stream. */
const dataOf = (seen: readonly Seen[], stream = 1): Buffer =>
  Buffer.concat(
    seen.filter((one) => one.type === frameType.data && one.stream === stream).map(({ content }) => content),
  )

test('what the caller sends comes in its order, without padding, and then its end', async () => {
  const caller = new Caller()
  const padded = Buffer.concat([Buffer.of(2), Buffer.from('cd'), Buffer.alloc(2)])
  await caller.after(
    call,
    data(Buffer.from('ab')),
    data(padded, flag.padded),
    data(Buffer.alloc(0)),
    data(Buffer.from('e'), flag.endStream),
  )
  const [heard] = caller.streams
  expect(Buffer.concat(heard?.bytes ?? []).toString()).toBe('abcde')
  expect(heard?.events).toEqual(['ended'])
})

test('an answer is its fields, its data, and its last fields; then the stream is closed if its caller has ended, too', async () => {
  const caller = new Caller()
  await caller.after(call)
  const { stream, events } = caller.first
  stream.begin(status)
  stream.begin(status)
  expect(stream.write(Buffer.from('one'))).toBe(true)
  stream.end(trailers)
  stream.end(trailers)
  expect(stream.write(Buffer.from('too late'))).toBe(false)
  stream.beginAndEnd(status)
  const seen = (await caller.after()).filter((one) => one.stream === 1)
  expect(seen.map(({ type, flags }) => [type, flags])).toEqual([
    [frameType.headers, flag.endHeaders],
    [frameType.data, 0],
    [frameType.headers, flag.endHeaders | flag.endStream],
  ])
  expect(events).toEqual([])
  await caller.after(data(Buffer.from('x')), data(Buffer.alloc(0), flag.endStream))
  expect(events).toEqual(['ended', 'closed'])
  expect(caller.connection.streams).toBe(0)
})

test('while it is paused nothing is told, and its caller can send a window and no more', async () => {
  const caller = new Caller({ opened: ({ stream }) => stream.pause() })
  const parts = Array.from({ length: 65_535 / 257 }, (_, at) => Buffer.alloc(257, at))
  const seen = await caller.after(
    call,
    ...parts.map((part) => data(part)),
    data(Buffer.alloc(0), flag.endStream),
  )
  // That of the connection is for all streams.
  expect(seen.filter(({ type }) => type === frameType.windowUpdate).map(({ stream }) => stream)).toEqual([0])
  const { stream, bytes, events } = caller.first
  expect([bytes, events]).toEqual([[], []])
  stream.resume()
  expect(Buffer.concat(bytes).equals(Buffer.concat(parts))).toBe(true)
  expect(events).toEqual(['ended'])

  const other = new Caller({ opened: (heard) => heard.stream.pause() })
  const tooMuch = await other.after(call, ...parts.map((part) => data(part)), data(Buffer.of(1)))
  expect(
    tooMuch
      .filter(({ type }) => type === frameType.resetStream)
      .map(({ content }) => content.readUInt32BE(0)),
  ).toEqual([errorCode.flowControlError])
  expect(other.streams[0]?.events).toEqual(['closed'])
})

test('padding is not held, so it may come again at once', async () => {
  const caller = new Caller({ opened: ({ stream }) => stream.pause() })
  const padding = data(Buffer.alloc(201, 200), flag.padded)
  const seen = await caller.after(call, ...Array.from({ length: 500 }, () => padding))
  const granted = seen.filter(({ type, stream }) => type === frameType.windowUpdate && stream === 1)
  expect(granted.reduce((sum, { content }) => sum + content.readUInt32BE(0), 0)).toBeGreaterThan(65_535)
  expect(caller.first.events).toEqual([])
})

test('who listens may pause between two parts', async () => {
  const caller = new Caller()
  await caller.after(call)
  const { stream, events } = caller.first
  const told: string[] = []
  stream.listen({
    data: (bytes) => {
      told.push(bytes.toString())
      stream.pause()
    },
    ended: () => events.push('ended'),
    drained: () => undefined,
    closed: () => undefined,
  })
  await caller.after(data(Buffer.from('a')), data(Buffer.from('b')), data(Buffer.from('c'), flag.endStream))
  expect(told).toEqual(['a'])
  stream.resume()
  expect(told).toEqual(['a', 'b'])
  stream.resume()
  expect(told).toEqual(['a', 'b', 'c'])
  expect(events).toEqual([])
  stream.resume()
  expect(events).toEqual(['ended'])
})

test('what was taken may be sent again', async () => {
  const caller = new Caller()
  await caller.after(call)
  const seen = await caller.after(...Array.from({ length: 96 }, () => data(Buffer.alloc(16_384))))
  const granted = (stream: number): number =>
    seen
      .filter((one) => one.type === frameType.windowUpdate && one.stream === stream)
      .reduce((sum, { content }) => sum + content.readUInt32BE(0), 0)
  expect(granted(0)).toBe(96 * 16_384)
  expect(granted(1)).toBe(96 * 16_384)
})

test('what was taken may be sent again with the next answer, from half of the window on', async () => {
  const caller = new Caller()
  await caller.after(call, data(Buffer.alloc(16_000)))
  const { stream } = caller.first
  stream.begin(status)
  stream.write(Buffer.from('early'))
  const early = await caller.after(data(Buffer.alloc(16_000)), data(Buffer.alloc(16_000)))
  expect(early.map(({ type }) => type)).toEqual([frameType.headers, frameType.data])
  stream.write(Buffer.from('late'))
  const late = await caller.after()
  expect(late.map(({ type }) => type)).toEqual([frameType.windowUpdate, frameType.data])
  expect(late[0]?.content.readUInt32BE(0)).toBe(48_000)
})

test('a wider window is granted at once, and is as good as one from the start', async () => {
  const caller = new Caller({ opened: ({ stream }) => stream.pause() })
  await caller.after(call)
  const { stream, bytes, events } = caller.first
  stream.widen(200_000)
  stream.widen(100_000)
  const part = Buffer.alloc(10_000)
  const seen = await caller.after(...Array.from({ length: 20 }, () => data(part)))
  expect(seen.map(({ type, content }) => [type, content.readUInt32BE(0)])).toEqual([
    [frameType.windowUpdate, 200_000 - 65_535],
  ])
  stream.resume()
  expect(Buffer.concat(bytes)).toHaveLength(200_000)
  stream.pause()
  const granted = (await caller.after()).map(({ content }) => content.readUInt32BE(0))
  expect(granted.reduce((sum, each) => sum + each, 0)).toBe(150_000)
  const tooMuch = await caller.after(...Array.from({ length: 16 }, () => data(part)))
  expect(tooMuch.map(({ type }) => type)).toEqual([frameType.resetStream])
  expect(events).toEqual(['closed'])
})

test.each([0, 3, 9, 14])(
  'what has %i free bytes before it is sent without them, in one frame or in several',
  async (room) => {
    const caller = new Caller()
    await caller.after(call)
    const { stream } = caller.first
    stream.begin(status)
    const written = [
      Buffer.alloc(0),
      Buffer.from('short'),
      Buffer.from(Array.from({ length: 40_000 }, (_, at) => at % 251)),
    ]
    for (const bytes of written)
      stream.write(Buffer.concat([Buffer.alloc(room, 0xee), bytes]), undefined, room)
    const seen = (await caller.after()).filter(({ type }) => type === frameType.data)
    expect(seen.map(({ content }) => content.length)).toEqual([0, 5, 16_384, 16_384, 40_000 - 2 * 16_384])
    expect(dataOf(caller.seen).equals(Buffer.concat(written))).toBe(true)
    // And is not counted.
    for (let n = 0; n < 2_000; n++) expect(stream.write(Buffer.alloc(room), undefined, room)).toBe(true)
  },
)

test('no more is sent than the stream, and the connection, may carry; the rest when they may', async () => {
  const small = encodeSettings([[setting.initialWindowSize, 10]])
  const caller = new Caller({ greeting: [preface, small] })
  await caller.after(call)
  const { stream, events } = caller.first
  const sent: number[] = []
  const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, at) => at % 251))
  stream.begin(status)
  expect(stream.write(bytes.subarray(0, 5), () => sent.push(5))).toBe(true)
  expect(stream.write(bytes.subarray(5), () => sent.push(100_000))).toBe(false)
  stream.end(trailers)
  await caller.after()
  expect(dataOf(caller.seen)).toHaveLength(10)
  expect(sent).toEqual([5])
  // The window of each stream changes with the settings, and may be less than nothing.
  await caller.after(encodeSettings([[setting.initialWindowSize, 0]]), encodeWindowUpdate(1, 10))
  expect(dataOf(caller.seen)).toHaveLength(10)
  await caller.after(encodeWindowUpdate(1, 1))
  expect(dataOf(caller.seen)).toHaveLength(11)
  await caller.after(encodeSettings([[setting.initialWindowSize, 200_000]]))
  expect(dataOf(caller.seen)).toHaveLength(65_535)
  expect(events).toEqual([])
  await caller.after(encodeWindowUpdate(0, 200_000))
  expect(dataOf(caller.seen).equals(bytes)).toBe(true)
  expect(events).toEqual(['drained'])
  expect(sent).toEqual([5, 100_000])
  expect(caller.seen.at(-2)).toMatchObject({ type: frameType.headers, flags: 5 })
})

test('streams that wait for the connection take turns', async () => {
  const caller = new Caller({
    greeting: [preface, encodeSettings([[setting.initialWindowSize, 2 ** 31 - 1]])],
  })
  await caller.after(call, headersFrame({ stream: 3 }))
  for (const { stream } of caller.streams) {
    stream.begin(status)
    stream.write(Buffer.alloc(100_000))
  }
  await caller.after()
  expect([dataOf(caller.seen, 1).length, dataOf(caller.seen, 3).length]).toEqual([65_535, 0])
  await caller.after(encodeWindowUpdate(0, 4 * 16_384))
  const lengths = [1, 3].map((stream) => dataOf(caller.seen, stream).length)
  expect(lengths[1]).toBe(2 * 16_384)
  await caller.after(encodeWindowUpdate(0, 200_000))
  expect([1, 3].map((stream) => dataOf(caller.seen, stream).length)).toEqual([100_000, 100_000])
})

test('the last fields need no window', async () => {
  const caller = new Caller({
    greeting: [preface, encodeSettings([[setting.initialWindowSize, 2 ** 31 - 1]])],
  })
  await caller.after(call, headersFrame({ stream: 3 }))
  for (const { stream } of caller.streams) {
    stream.begin(status)
    stream.write(Buffer.alloc(50_000))
    stream.end(trailers)
  }
  const seen = await caller.after(encodeWindowUpdate(0, 100_000 - 65_535))
  expect(
    seen.filter(({ flags, type }) => type === frameType.headers && flags === 5).map(({ stream }) => stream),
  ).toEqual([1, 3])
})

test('who is over does not wait for room any more', async () => {
  const added = vi.spyOn(LinkedList.prototype, 'add')
  const deleted = vi.spyOn(LinkedList.prototype, 'delete')
  onTestFinished(() => void vi.restoreAllMocks())
  const caller = new Caller({
    greeting: [preface, encodeSettings([[setting.initialWindowSize, 2 ** 31 - 1]])],
  })
  const ids = [1, 3, 5, 7, 9]
  await caller.after(...ids.map((id) => headersFrame({ stream: id })))
  for (const { stream } of caller.streams) {
    stream.begin(status)
    stream.write(Buffer.alloc(70_000))
  }
  expect(added).toHaveBeenCalledTimes(ids.length)
  await caller.after(...ids.map((id) => encodeReset(id, 8)))
  expect(deleted.mock.calls.map(([place]) => place)).toEqual(
    added.mock.results.map(({ value }): unknown => value),
  )
})

test('while the network takes nothing no more than some is handed to it, and the rest comes when it does', async () => {
  const caller = new Caller({
    greeting: [
      preface,
      encodeSettings([[setting.initialWindowSize, 2 ** 31 - 1]]),
      encodeWindowUpdate(0, 2 ** 30),
    ],
  })
  await caller.after(call, headersFrame({ stream: 3 }))
  caller.stopReading()
  const bytes = Buffer.from(Array.from({ length: 2_000_000 }, (_, at) => at % 251))
  for (const { stream } of caller.streams) {
    stream.begin(status)
    stream.write(bytes)
  }
  for (let at = 0; at < 100; at++) {
    await new Promise(setImmediate)
    for (const { stream } of caller.streams) stream.write(bytes.subarray(0, 10_000))
  }
  for (const { stream } of caller.streams) stream.end(trailers)
  await new Promise(setImmediate)
  expect(caller.socket.writableLength).toBeLessThan(200_000)
  caller.readOn()
  await caller.until((one) => one.stream === 1 && one.flags === 5)
  await caller.until((one) => one.stream === 3 && one.flags === 5)
  const all = Buffer.concat([bytes, ...Array.from({ length: 100 }, () => bytes.subarray(0, 10_000))])
  for (const stream of [1, 3]) expect(dataOf(caller.seen, stream).equals(all)).toBe(true)
})

test('what was written to a stream that is reset is not sent, nor told of', async () => {
  const caller = new Caller({ greeting: [preface, encodeSettings([[setting.initialWindowSize, 0]])] })
  await caller.after(call)
  const { stream, events } = caller.first
  stream.begin(status)
  stream.write(Buffer.alloc(100_000), () => expect.unreachable())
  await caller.after(encodeReset(1, 8), encodeSettings([[setting.initialWindowSize, 1_000_000]]))
  expect(events).toEqual(['closed'])
  expect(dataOf(caller.seen)).toHaveLength(0)
})

test('what waits for the connection when its stream is reset is not sent, and what was on its way is not told of', async () => {
  const caller = new Caller({
    greeting: [preface, encodeSettings([[setting.initialWindowSize, 2 ** 31 - 1]])],
  })
  await caller.after(call, headersFrame({ stream: 3 }))
  caller.stopReading()
  const { stream } = caller.first
  const told: string[] = []
  stream.begin(status)
  stream.write(Buffer.alloc(10), () => told.push('on its way'))
  stream.write(Buffer.alloc(100_000), () => told.push('waiting'))
  stream.reset(errorCode.cancel)
  caller.readOn()
  const seen = await caller.after(encodeWindowUpdate(0, 200_000))
  expect(told).toEqual([])
  const afterReset = seen.slice(seen.findIndex(({ type }) => type === frameType.resetStream) + 1)
  expect(afterReset.filter((one) => one.stream === 1)).toEqual([])
})

test('nobody has to listen', async () => {
  const caller = new Caller({
    opened: ({ stream }) =>
      stream.listen({
        data: () => undefined,
        ended: () => undefined,
        drained: () => undefined,
        closed: () => undefined,
      }),
  })
  await caller.after(noSettings, call, data(Buffer.alloc(16_384)), data(Buffer.alloc(1), flag.endStream))
  caller.streams[0]?.stream.beginAndEnd(status)
  expect(caller.connection.streams).toBe(0)
})

test('with another implementation every byte arrives, both ways, whatever the windows', async () => {
  const callsOf = (most: number): fc.Arbitrary<number[][]> =>
    fc.array(fc.array(fc.nat({ max: most }), { maxLength: 6 }), { minLength: 1, maxLength: 6 })
  // A window of a byte is a way there and back for each.
  const cases = fc.oneof(
    fc.tuple(callsOf(30), fc.integer({ min: 1, max: 20 })),
    fc.tuple(callsOf(100_000), fc.integer({ min: 10_000, max: 1_000_000 })),
  )
  await fc.assert(
    fc.asyncProperty(cases, async ([all, initialWindowSize]) => {
      const server = createServer((socket) => {
        const connection = new ServerConnection(socket, {
          mostStreams: 100,
          opened: (stream) => {
            stream.begin(status)
            stream.listen({
              data: (bytes) => {
                if (!stream.write(Buffer.from(bytes))) stream.pause()
              },
              ended: () => stream.end(trailers),
              drained: () => stream.resume(),
              closed: () => undefined,
            })
          },
          closed: () => undefined,
        })
        server.on('close', () => connection.destroy())
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const bound = server.address()
      if (bound === null || typeof bound === 'string') throw new Error('not bound')
      const session = connect(`http://127.0.0.1:${bound.port}`, { settings: { initialWindowSize } })
      onTestFinished(() => session.destroy())
      const echoes = all.map(async (lengths) => {
        const parts = lengths.map((length, at) => Buffer.alloc(length, at + 1))
        const stream = session.request({ ':method': 'POST', ':path': '/p' })
        const came: Buffer[] = []
        stream.on('data', (bytes: Buffer) => came.push(bytes))
        for (const part of parts) stream.write(part)
        stream.end()
        await once(stream, 'close')
        return Buffer.concat(came).equals(Buffer.concat(parts))
      })
      expect(await Promise.all(echoes)).toEqual(all.map(() => true))
      session.destroy()
      server.close()
      await once(server, 'close')
    }),
    { numRuns: 60 },
  )
})

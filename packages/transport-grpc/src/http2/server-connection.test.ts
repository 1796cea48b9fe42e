import { expect, onTestFinished, test, vi } from 'vitest'
import { Caller, type Seen } from '../../test/caller.ts'
import { frame, headersFrame, noSettings, preface } from '../../test/frames.ts'
import { encodeFields } from './field-encoder.ts'
import { encodeFrame, encodeReset, encodeSettings, encodeWindowUpdate } from './frames.ts'
import { errorCode, flag, frameType, setting } from './protocol.ts'

const call = headersFrame({})
const data = (bytes: number, flags = 0, stream = 1): Buffer =>
  frame(frameType.data, flags, stream, Buffer.alloc(bytes))
const block = (fields: readonly string[]): Buffer => encodeFields(fields)
const post = [':method', 'POST', ':scheme', 'http', ':path', '/p']
const headers = (fields: readonly string[], flags: number = flag.endHeaders, stream = 1): Buffer =>
  frame(frameType.headers, flags, stream, block(fields))
const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** Of a frame with a number. */
const codeOf = (seen: Seen | undefined): number | undefined =>
  seen?.content.readUInt32BE(seen.type === frameType.goAway ? 4 : 0)
const ofType = (seen: readonly Seen[], type: number): readonly Seen[] =>
  seen.filter((one) => one.type === type)

test('it begins with what it takes, and says yes to what the caller takes', async () => {
  const caller = new Caller({ mostStreams: 7 })
  const [first, second, third] = await caller.after()
  expect(first).toMatchObject({ type: frameType.settings, flags: 0, stream: 0 })
  expect(first?.content.equals(Buffer.from('000300000007000600010000', 'hex'))).toBe(true)
  expect(second).toMatchObject({ type: frameType.windowUpdate, stream: 0 })
  expect(codeOf(second)).toBe(2 ** 20 - 65_535)
  expect(third).toMatchObject({
    type: frameType.settings,
    flags: flag.acknowledged,
    content: Buffer.alloc(0),
  })
})

const { protocolError, frameSizeError, flowControlError, compressionError, enhanceYourCalm, streamClosed } =
  errorCode

test.each<[string, number, Buffer[]]>([
  ['no SETTINGS at the beginning', protocolError, [preface, frame(6, 0, 0, Buffer.alloc(8))]],
  ['SETTINGS with ACK at the beginning', protocolError, [preface, frame(4, 1, 0)]],
  ['no preface', protocolError, [Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n')]],
])('it ends a connection that begins wrongly: %s', async (_, code, greeting) => {
  const caller = new Caller({ greeting })
  expect(codeOf(await caller.until(({ type }) => type === frameType.goAway))).toBe(code)
  await caller.ended()
})

test.each<[string, number, Buffer[]]>([
  ['DATA of the connection', protocolError, [data(1, 0, 0)]],
  ['DATA of a stream that nobody began', protocolError, [data(1)]],
  ['DATA of a stream with an even number', protocolError, [headersFrame({ stream: 3 }), data(1, 0, 2)]],
  [
    'padding that is longer than the frame',
    protocolError,
    [call, frame(0, flag.padded, 1, Buffer.of(3, 0, 0))],
  ],
  ['padding without a length', protocolError, [call, frame(0, flag.padded, 1)]],
  ['a stream with an even number', protocolError, [headersFrame({ stream: 2 })]],
  ['HEADERS of the connection', protocolError, [headersFrame({ stream: 0 })]],
  [
    'a priority that is not whole',
    frameSizeError,
    [frame(1, flag.endHeaders | flag.priority, 1, Buffer.alloc(4))],
  ],
  ['a header block that cannot be read', compressionError, [frame(1, flag.endHeaders, 1, Buffer.of(0xbe))]],
  ['the name of a field in capitals', protocolError, [headers([...post, 'Name', 'x'])]],
  ['a frame within a header block', protocolError, [headers(post, 0), frame(6, 0, 0, Buffer.alloc(8))]],
  ['CONTINUATION of nothing', protocolError, [call, frame(9, flag.endHeaders, 1)]],
  ['CONTINUATION of another', protocolError, [headers(post, 0), frame(9, flag.endHeaders, 3)]],
  [
    'a header block of many empty frames',
    enhanceYourCalm,
    [headers(post, 0), ...Array.from({ length: 16 }, () => frame(9, 0, 1))],
  ],
  [
    'a header block without end',
    enhanceYourCalm,
    [headers(post, 0), ...Array.from({ length: 5 }, () => frame(9, 0, 1, Buffer.alloc(16_384)))],
  ],
  ['PRIORITY of no stream', protocolError, [frame(2, 0, 0, Buffer.alloc(5))]],
  ['PRIORITY that is not whole', frameSizeError, [frame(2, 0, 1, Buffer.alloc(4))]],
  ['RST_STREAM of the connection', protocolError, [frame(3, 0, 0, number(0))]],
  ['RST_STREAM of a stream that nobody began', protocolError, [frame(3, 0, 1, number(0))]],
  ['RST_STREAM that is not whole', frameSizeError, [call, frame(3, 0, 1, Buffer.alloc(3))]],
  ['SETTINGS of a stream', protocolError, [frame(4, 0, 1)]],
  ['SETTINGS that are not whole', frameSizeError, [frame(4, 0, 0, Buffer.alloc(5))]],
  ['SETTINGS with ACK and more', frameSizeError, [frame(4, 1, 0, Buffer.alloc(6))]],
  ['ENABLE_PUSH of 2', protocolError, [encodeSettings([[setting.enablePush, 2]])]],
  ['a window that is too large', flowControlError, [encodeSettings([[setting.initialWindowSize, 2 ** 31]])]],
  ['frames that are too small', protocolError, [encodeSettings([[setting.maxFrameSize, 16_383]])]],
  ['frames that are too large', protocolError, [encodeSettings([[setting.maxFrameSize, 2 ** 24]])]],
  [
    'settings that make a window too large',
    flowControlError,
    [
      call,
      encodeWindowUpdate(1, 2 ** 31 - 1 - 65_535),
      encodeSettings([[setting.initialWindowSize, 65_536]]),
    ],
  ],
  ['PUSH_PROMISE', protocolError, [frame(5, 0, 1)]],
  ['PING of a stream', protocolError, [frame(6, 0, 1, Buffer.alloc(8))]],
  ['PING that is not whole', frameSizeError, [frame(6, 0, 0, Buffer.alloc(7))]],
  ['GOAWAY of a stream', protocolError, [frame(7, 0, 1, Buffer.alloc(8))]],
  ['GOAWAY that is not whole', frameSizeError, [frame(7, 0, 0, Buffer.alloc(7))]],
  ['WINDOW_UPDATE of nothing', protocolError, [frame(8, 0, 0, number(0))]],
  ['WINDOW_UPDATE that is not whole', frameSizeError, [frame(8, 0, 0, Buffer.alloc(3))]],
  ['WINDOW_UPDATE of a stream that nobody began', protocolError, [encodeWindowUpdate(1, 1)]],
  ['a window of the connection that grows too large', flowControlError, [encodeWindowUpdate(0, 2 ** 31 - 1)]],
  ['a window of a stream that grows too large', flowControlError, [call, encodeWindowUpdate(1, 2 ** 31 - 1)]],
  ['a frame that is too long', frameSizeError, [call, data(16_385)]],
])('it ends a connection that breaks the rules, and all of its streams: %s', async (_, code, frames) => {
  const caller = new Caller({ opened: ({ stream }) => stream.pause() })
  const seen = await caller.after(...frames)
  // What came before it, and no more.
  expect(codeOf(ofType(seen, frameType.goAway)[0])).toBe(code)
  await caller.ended()
  for (const { events } of caller.streams) expect(events).toEqual(['closed'])
  await caller.hangUp()
})

test.each<[string, number, Buffer[]]>([
  ['DATA after its end', streamClosed, [headersFrame({ isWhole: true }), data(1)]],
  ['an end after its end', streamClosed, [headersFrame({ isWhole: true }), data(0, flag.endStream)]],
  ['HEADERS after its beginning that do not end it', protocolError, [call, headers(['a', 'b'])]],
  ['trailers after its end', streamClosed, [headersFrame({ isWhole: true }), headers(['a', 'b'], 5)]],
])('it resets a stream that breaks the rules, and no other: %s', async (_, code, frames) => {
  const caller = new Caller()
  const seen = await caller.after(...frames, headersFrame({ stream: 9 }))
  expect(ofType(seen, frameType.resetStream).map((one) => [one.stream, codeOf(one)])).toEqual([[1, code]])
  expect(caller.streams.map(({ events }) => events.at(-1))).toEqual(['closed', undefined])
  expect(ofType(seen, frameType.goAway)).toEqual([])
})

test.each<[string, number, readonly string[]]>([
  ['no method', protocolError, [':scheme', 'http', ':path', '/']],
  ['no scheme', protocolError, [':method', 'POST', ':path', '/']],
  ['no path', protocolError, [':method', 'POST', ':scheme', 'http']],
  ['two paths', protocolError, [...post, ':path', '/other']],
  ['what is for answers', protocolError, [...post, ':status', '200']],
  [
    'what is for HTTP/2 behind the others',
    protocolError,
    [':method', 'POST', ':scheme', 'http', 'a', 'b', ':path', '/p'],
  ],
  ['what is for HTTP/1.1', protocolError, [...post, 'connection', 'close']],
  ['TE other than trailers', protocolError, [...post, 'te', 'gzip']],
  [
    'more fields than are taken',
    enhanceYourCalm,
    [...post, ...Array.from({ length: 2_000 }, () => ['a', 'b']).flat()],
  ],
])('it resets a request that is none: %s', async (_, code, fields) => {
  const caller = new Caller()
  const seen = await caller.after(headers(fields), headers(post, 4, 3))
  expect(ofType(seen, frameType.resetStream).map((one) => [one.stream, codeOf(one)])).toEqual([[1, code]])
  expect(caller.streams.map(({ stream }) => stream.id)).toEqual([3])
})

test('a header block may come in parts, padded, and with a priority', async () => {
  const caller = new Caller()
  const bytes = block([...post, 'a', 'b'])
  await caller.after(
    frame(
      1,
      flag.endStream | flag.padded | flag.priority,
      1,
      Buffer.concat([Buffer.of(3, 0, 0, 0, 0, 255), bytes.subarray(0, 7), Buffer.alloc(3)]),
    ),
    frame(9, 0, 1, bytes.subarray(7, 9)),
    frame(9, flag.endHeaders, 1, bytes.subarray(9)),
  )
  expect(caller.streams[0]).toMatchObject({ fields: [...post, 'a', 'b'], events: ['ended'] })
})

test('trailers end a request', async () => {
  const caller = new Caller()
  await caller.after(call, data(3), headers(['a', 'b'], 5))
  expect(caller.streams[0]?.events).toEqual(['ended'])
})

test('what it does not know it passes over', async () => {
  const caller = new Caller()
  const seen = await caller.after(
    frame(77, 255, 1, Buffer.alloc(9)),
    frame(2, 0, 1, Buffer.alloc(5)),
    encodeSettings([[99, 1]]),
    call,
  )
  expect(ofType(seen, frameType.goAway)).toEqual([])
  expect(caller.streams).toHaveLength(1)
})

test('what is on its way to a stream that is over is passed over, and counts', async () => {
  const caller = new Caller({ opened: ({ stream }) => stream.reset(errorCode.cancel) })
  const seen = await caller.after(
    call,
    ...Array.from({ length: 40 }, () => data(16_000)),
    data(16_000, flag.endStream),
    encodeWindowUpdate(1, 5),
    encodeReset(1, 8),
    headers(['a', 'b'], 5),
  )
  expect(seen.filter(({ type }) => type !== frameType.settings).map((one) => [one.type, one.stream])).toEqual(
    [
      [frameType.windowUpdate, 0],
      [frameType.resetStream, 1],
      [frameType.windowUpdate, 0],
    ],
  )
})

test('more streams than it takes are refused, and there is room when one is over', async () => {
  const caller = new Caller({ mostStreams: 2 })
  const seen = await caller.after(...[1, 3, 5].map((stream) => headersFrame({ stream })))
  expect(ofType(seen, frameType.resetStream).map((one) => [one.stream, codeOf(one)])).toEqual([
    [5, errorCode.refusedStream],
  ])
  await caller.after(encodeReset(3, 8), headersFrame({ stream: 7 }))
  expect(caller.streams.map(({ stream, events }) => [stream.id, events])).toEqual([
    [1, []],
    [3, ['closed']],
    [7, []],
  ])
})

test('who begins and resets streams without end is told to leave', async () => {
  const caller = new Caller()
  const pair = (at: number): Buffer =>
    Buffer.concat([headersFrame({ stream: 2 * at + 1 }), encodeReset(2 * at + 1, 8)])
  const seen = await caller.after(...Array.from({ length: 1_200 }, (_, at) => pair(at)))
  expect(codeOf(ofType(seen, frameType.goAway)[0])).toBe(enhanceYourCalm)
  // Those that come back in the time that this takes, too.
  expect(caller.streams.length).toBeGreaterThanOrEqual(1_000)
  expect(caller.streams.length).toBeLessThan(1_200)
  await caller.hangUp()
})

test('who makes this end reset streams without end is told to leave, too', async () => {
  for (const excess of [data(1), headers(['a', 'b']), data(0, flag.endStream)]) {
    const caller = new Caller()
    const pair = (at: number): Buffer => {
      const stream = 2 * at + 1
      const frames = Buffer.concat([headersFrame({ stream, isWhole: true }), excess])
      frames.writeUInt32BE(stream, frames.length - excess.length + 5)
      return frames
    }
    const seen = await caller.after(...Array.from({ length: 1_200 }, (_, at) => pair(at)))
    expect(codeOf(ofType(seen, frameType.goAway)[0])).toBe(enhanceYourCalm)
    expect(caller.streams.length).toBeGreaterThanOrEqual(1_000)
    expect(caller.streams.length).toBeLessThan(1_200)
    await caller.hangUp()
  }
})

test('who changes windows without end is told to leave; settings that change none may come as they like', async () => {
  const window = (bytes: number): readonly [number, number] => [setting.initialWindowSize, bytes]
  const caller = new Caller({ greeting: [preface, encodeSettings([window(0)])] })
  const same = encodeSettings([window(0)])
  // One frame is one change, by its last word.
  const many = encodeSettings([...Array.from({ length: 1_000 }, (_, at) => window(at)), window(7)])
  await caller.after(call, ...Array.from({ length: 1_500 }, () => same), many)
  caller.first.stream.begin(block([':status', '200']))
  caller.first.stream.write(Buffer.alloc(10))
  const seen = await caller.after()
  expect(ofType(seen, frameType.data).map(({ content }) => content.length)).toEqual([7])
  const changes = Array.from({ length: 1_200 }, (_, at) => encodeSettings([window(at % 2)]))
  expect(codeOf(ofType(await caller.after(...changes), frameType.goAway)[0])).toBe(enhanceYourCalm)
  await caller.hangUp()
})

test('it says yes to settings before it sends what they allow', async () => {
  const caller = new Caller({ greeting: [preface, encodeSettings([[setting.initialWindowSize, 0]])] })
  await caller.after(call)
  caller.first.stream.begin(block([':status', '200']))
  caller.first.stream.write(Buffer.alloc(10))
  const seen = await caller.after(encodeSettings([[setting.initialWindowSize, 100]]))
  expect(seen.map(({ type }) => type).slice(-2)).toEqual([frameType.settings, frameType.data])
})

test('it answers a question, and hears the answer to its own', async () => {
  const caller = new Caller()
  const answered: string[] = []
  caller.connection.ping(() => answered.push('yes'))
  const [, question] = [0, await caller.until(({ type, flags }) => type === frameType.ping && flags === 0)]
  expect(answered).toEqual([])
  // An answer to nothing is nothing.
  await caller.after(
    encodeFrame(frameType.ping, flag.acknowledged, 0, question.content),
    frame(6, 1, 0, Buffer.alloc(8)),
  )
  expect(answered).toEqual(['yes'])
})

test('who says goodbye is served to the end, and what it begins after is not looked at', async () => {
  const caller = new Caller()
  const seen = await caller.after(
    call,
    frame(7, 0, 0, Buffer.alloc(8)),
    headersFrame({ stream: 3 }),
    data(5, 0, 3),
    encodeReset(3, 8),
  )
  expect(ofType(seen, frameType.goAway).map((one) => [one.content.readUInt32BE(0), codeOf(one)])).toEqual([
    [1, 0],
  ])
  expect(caller.streams).toHaveLength(1)
  await caller.after(data(4, flag.endStream))
  const [heard] = caller.streams
  heard?.stream.beginAndEnd(block([':status', '200']))
  expect(heard?.events).toEqual(['ended', 'closed'])
  await caller.ended()
  expect(caller.seen.at(-1)).toMatchObject({ type: frameType.headers, stream: 1, flags: 5 })
})

test('who leaves has all of its answers, however slowly it takes them', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const caller = new Caller()
  await caller.after(
    encodeWindowUpdate(0, 1_000_000),
    encodeSettings([[setting.initialWindowSize, 1_000_000]]),
    call,
    data(0, flag.endStream),
    frame(7, 0, 0, Buffer.alloc(8)),
  )
  caller.stopReading()
  const { stream, events } = caller.first
  stream.begin(block([':status', '200']))
  stream.write(Buffer.alloc(60_000, 1))
  await new Promise(setImmediate)
  // It waits until the first is taken.
  stream.end(block(['grpc-status', '0']))
  expect(events).toEqual(['ended', 'closed'])
  // Longer than who has been sent all of it is waited for.
  await new Promise(setImmediate)
  vi.advanceTimersByTime(60_000)
  caller.readOn()
  await caller.ended()
  expect(Buffer.concat(ofType(caller.seen, frameType.data).map(({ content }) => content))).toHaveLength(
    60_000,
  )
  expect(caller.seen.at(-1)).toMatchObject({ type: frameType.headers, flags: 5 })
})

test('to leave without calls is to end; twice is once', async () => {
  const caller = new Caller()
  await caller.after()
  caller.connection.leave()
  caller.connection.leave()
  await caller.ended()
  expect(ofType(caller.seen, frameType.goAway)).toHaveLength(1)
})

test('when the connection breaks its streams are closed, once, and nothing more is said', async () => {
  const caller = new Caller()
  await caller.after(call, headersFrame({ stream: 3 }))
  caller.connection.destroy()
  caller.connection.destroy()
  expect(caller.isClosed).toBe(true)
  expect(caller.connection.destroyed).toBe(true)
  for (const { events, stream } of caller.streams) {
    expect(events).toEqual(['closed'])
    stream.begin(Buffer.alloc(0))
    expect(stream.write(Buffer.alloc(1))).toBe(false)
    stream.end(Buffer.alloc(0))
    stream.reset(errorCode.cancel)
    expect(events).toEqual(['closed'])
  }
})

test('what came with what ended it is not looked at', async () => {
  const caller: Caller = new Caller({ opened: () => caller.connection.destroy() })
  await caller.after(call, headersFrame({ stream: 3 }))
  expect(caller.streams.map(({ events }) => events)).toEqual([['closed']])
})

test('who asks without end and takes no answers is not read any further, until it takes them', async () => {
  const caller = new Caller()
  await caller.after()
  caller.stopReading()
  const question = Buffer.concat(Array.from({ length: 5_000 }, () => frame(6, 0, 0, Buffer.alloc(8))))
  let asked = 0
  while (!caller.socket.isPaused()) {
    caller.say(question)
    asked++
    await new Promise(setImmediate)
  }
  // 1 MiB of answers, and what was read with the last of it.
  expect(caller.socket.writableLength).toBeLessThan(2 * 1024 * 1024)
  caller.readOn()
  await caller.after()
  expect(caller.socket.isPaused()).toBe(false)
  expect(ofType(caller.seen, frameType.ping).length).toBe(5_000 * asked + 2)
})

test('its first fields say that no table is kept', async () => {
  const caller = new Caller({ opened: ({ stream }) => stream.beginAndEnd(block([':status', '200'])) })
  const seen = await caller.after(call, headersFrame({ stream: 3 }))
  expect(ofType(seen, frameType.headers).map(({ content }) => content.toString('hex'))).toEqual([
    '2088',
    '88',
  ])
})

test('fields that are too long for a frame come in several', async () => {
  const long = block([':status', '200', 'long', 'x'.repeat(40_000)])
  const caller = new Caller({ opened: ({ stream }) => stream.beginAndEnd(long) })
  const seen = (await caller.after(noSettings, call)).filter(({ stream }) => stream === 1)
  expect(seen.map(({ type, flags, content }) => [type, flags, content.length])).toEqual([
    [frameType.headers, flag.endStream, 16_384],
    [frameType.continuation, 0, 16_384],
    [frameType.continuation, flag.endHeaders, long.length + 1 - 2 * 16_384],
  ])
  expect(
    Buffer.concat(seen.map(({ content }) => content))
      .subarray(1)
      .equals(long),
  ).toBe(true)
})

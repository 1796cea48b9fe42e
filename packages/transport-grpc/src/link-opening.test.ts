import { once } from 'node:events'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { freePorts } from '../test/ports.ts'
import { linkSetting, readOpening, whenOpened } from './link-opening.ts'
import { LinkStream } from './link-stream.ts'

const closers: (() => unknown)[] = []
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close()
})

const host = '127.0.0.1'
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

function settingsFrame(ids: readonly number[], type = 4): Buffer {
  const frame = Buffer.alloc(9 + 6 * ids.length)
  frame.writeUIntBE(6 * ids.length, 0, 3)
  frame[3] = type
  for (const [at, id] of ids.entries()) frame.writeUInt16BE(id, 9 + 6 * at)
  return frame
}

/** A pair of connected sockets. */
async function connected(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer()
  closers.push(() => server.close())
  const [port = 0] = await freePorts(1)
  server.listen(port, host)
  await once(server, 'listening')
  const taken = new Promise<Socket>((resolve) => {
    server.on('connection', resolve)
  })
  const near = connect(port, host)
  const far = await taken
  closers.push(
    () => near.destroy(),
    () => far.destroy(),
  )
  return { near, far }
}

test.each([
  ['a link', [3, linkSetting], 'link'],
  ['a client of anybody', [2, 3, 4], 'other'],
  ['a client without settings', [], 'other'],
] as const)('%s is known by its settings, and not before they are there', (_, ids, what) => {
  const bytes = Buffer.concat([preface, settingsFrame(ids), Buffer.from('and more')])
  const enough = preface.length + 9 + 6 * ids.length
  for (let length = 0; length <= bytes.length; length++)
    expect(readOpening(bytes.subarray(0, length))).toBe(length < enough ? null : what)
})

test.each([
  ['HTTP/1.1', Buffer.from('GET / HTTP/1.1\r\n')],
  ['another frame', Buffer.concat([preface, settingsFrame([linkSetting], 1)])],
  ['settings without end', Buffer.concat([preface, settingsFrame(Array(65).fill(linkSetting))])],
])('%s is no link', (_, bytes) => {
  expect(readOpening(bytes)).toBe('other')
})

test('what a link says when it opens is such a setting', async () => {
  const server = createHttp2Server({ remoteCustomSettings: [linkSetting] })
  closers.push(() => server.close())
  const [port = 0] = await freePorts(1)
  server.listen(port, host)
  await once(server, 'listening')
  const settings = new Promise((resolve) => {
    server.on('session', (session) => {
      closers.push(() => session.destroy())
      session.on('remoteSettings', resolve)
    })
  })
  const link = new LinkStream(
    { address: { host, port }, path: '/a', secure: (socket) => socket, pingMs: 60_000, silentMs: 60_000 },
    { connected: () => undefined, message: () => undefined, ended: () => undefined },
  )
  closers.push(() => link.close())
  expect(await settings).toMatchObject({ customSettings: { [linkSetting]: 1 } })
})

test('what has said in time what it is has no time limit any more', async () => {
  const { near, far } = await connected()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const opened = new Promise((resolve) => {
      whenOpened(far, 1_000, resolve)
    })
    expect(vi.getTimerCount()).toBe(1)
    near.write(Buffer.concat([preface, settingsFrame([linkSetting])]))
    await opened
    expect(vi.getTimerCount()).toBe(0)
  } finally {
    vi.useRealTimers()
  }
})

test('the first bytes are left for who takes the connection, though they come one by one', async () => {
  const { near, far } = await connected()
  near.setNoDelay(true)
  const opened = new Promise((resolve) => {
    whenOpened(far, 60_000, resolve)
  })
  const bytes = Buffer.concat([preface, settingsFrame([linkSetting])])
  for (const byte of bytes) await new Promise((resolve) => near.write(Buffer.of(byte), resolve))
  expect(await opened).toBe('link')
  near.end('and more')
  const seen: Buffer[] = []
  far.on('data', (chunk: Buffer) => seen.push(chunk))
  await once(far, 'end')
  expect(Buffer.concat(seen).toString('latin1')).toBe(`${bytes.toString('latin1')}and more`)
})

test('who says nothing, or not enough, is let go', async () => {
  const { near, far } = await connected()
  near.write(preface.subarray(0, 10))
  whenOpened(far, 20, () => {
    throw new Error('not opened')
  })
  await expect(once(far, 'close')).resolves.toEqual([false])
})

test('a connection that is gone before it has said anything is forgotten', async () => {
  const { near, far } = await connected()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    whenOpened(far, 60_000, () => {
      throw new Error('not opened')
    })
    expect(vi.getTimerCount()).toBe(1)
    near.resetAndDestroy()
    await new Promise((resolve) => far.on('close', resolve))
    expect(vi.getTimerCount()).toBe(0)
  } finally {
    vi.useRealTimers()
  }
})

test('a client of anybody is known as such', async () => {
  const { near, far } = await connected()
  const client = connectHttp2('http://anybody', { createConnection: () => near })
  closers.push(() => client.destroy())
  client.on('error', () => undefined)
  expect(
    await new Promise((resolve) => {
      whenOpened(far, 60_000, resolve)
    }),
  ).toBe('other')
})

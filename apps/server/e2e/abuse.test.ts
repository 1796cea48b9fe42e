import { randomBytes } from 'node:crypto'
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2'
import { connect as connectTcp, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { eventually } from './harness/eventually.ts'
import { callHeaders, frame, preface, RawConnection } from './harness/http2-frames.ts'
import { type LoneReplica, startLoneReplica } from './harness/lone-replica.ts'

const path = '/chatroom.v1.ChatService/ListAccounts'
const mebibyte = 1_024 * 1_024
/** Of all attacks together: far more than what one needs to be served, far less than what an unbounded queue would take. */
const allowedGrowth = 300 * mebibyte
/** Flags: the end of headers, the end of the stream. */
const endHeaders = 4
const endStream = 1

/** What strangers write, again and again, on a connection of their own. `reads`: whether they take the answers. */
const attacks: [string, { readonly reads: boolean; readonly next: () => () => Buffer }][] = [
  ['rapid reset', { reads: true, next: rapidReset }],
  ['rapid reset, answers not read', { reads: false, next: rapidReset }],
  [
    'calls without end, answers not read',
    {
      reads: false,
      next: () => {
        let stream = -1
        return () => {
          stream += 2
          const call = frame('headers', endHeaders, stream, callHeaders(path))
          return Buffer.concat([call, frame('data', endStream, stream, Buffer.alloc(5))])
        }
      },
    },
  ],
  [
    'CONTINUATION without end',
    {
      reads: true,
      next: () => {
        let begun = false
        return () => {
          if (begun) return frame('continuation', 0, 1, Buffer.from([0, 1, 120, 1, 120]))
          begun = true
          return frame('headers', 0, 1, callHeaders(path))
        }
      },
    },
  ],
  [
    'PING without end, answers not read',
    { reads: false, next: () => () => frame('ping', 0, 0, randomBytes(8)) },
  ],
  [
    'SETTINGS without end, answers not read',
    { reads: false, next: () => () => frame('settings', 0, 0, Buffer.alloc(0)) },
  ],
  [
    'headers that are too long',
    {
      reads: true,
      next: () => {
        let stream = -1
        const long = Buffer.concat([
          callHeaders(path),
          Buffer.from([0, 1, 120, 0x7f, 0x81, 0x7e]),
          Buffer.alloc(16_256, 120),
        ])
        return () => {
          stream += 2
          const block = Array.from({ length: 8 }, (_, i) =>
            frame(
              i === 0 ? 'headers' : 'continuation',
              i === 7 ? endHeaders : 0,
              stream,
              i === 0 ? long.subarray(0, 16_000) : Buffer.alloc(0),
            ),
          )
          return Buffer.concat(block)
        }
      },
    },
  ],
]

function rapidReset(): () => Buffer {
  let stream = -1
  return () => {
    stream += 2
    const call = frame('headers', endHeaders, stream, callHeaders(path))
    return Buffer.concat([call, frame('reset', 0, stream, Buffer.from([0, 0, 0, 8]))])
  }
}

/** Why connections were refused, once so many were told: a log line comes by another way than the end of its connection. */
async function refusals(replica: LoneReplica, count: number): Promise<string[]> {
  return await eventually(`${count} refused connections in the log`, () => {
    const told = replica.program.json.filter(({ event }) => event === 'client.connection-refused')
    return told.length < count ? null : told.map(({ reason }) => String(reason))
  })
}

describe('while strangers abuse HTTP/2', () => {
  it('others are served, and what it costs is bounded', async () => {
    const replica = await startLoneReplica()
    const alice = await replica.loggedIn('alice')
    await replica.loggedIn('bob')
    const before = replica.memory()
    for (const [name, { reads, next }] of attacks) {
      const stranger = new RawConnection(replica.clientPort)
      if (reads) stranger.read()
      let over = false
      const flood = stranger.flood(next(), () => over || stranger.written > 64 * mebibyte)
      let sent = 0
      for (; sent < 50; sent++) await alice.send('bob', name)
      expect([name, sent, stranger.written > 0]).toEqual([name, 50, true])
      over = true
      await flood
      stranger.destroy()
      expect([name, replica.memory() - before < allowedGrowth]).toEqual([name, true])
    }
    expect(replica.program.hasExited).toBe(false)
    expect(replica.program.json.filter(({ event }) => event === 'service.fault')).toEqual([])
  })

  it('a call that is over before anybody has looked at it ends nothing but itself', async () => {
    const replica = await startLoneReplica()
    const alice = await replica.loggedIn('alice')
    await replica.loggedIn('bob')
    const call = (stream: number): Buffer =>
      frame('headers', endHeaders, stream, callHeaders('/nothing/here'))
    const reset = Buffer.concat([preface, call(1), frame('reset', 0, 1, Buffer.from([0, 0, 0, 8]))])
    const goodbye = frame('goaway', 0, 0, Buffer.alloc(8))
    const later = Array.from({ length: 60 }, (_, at) => call(2 * at + 3))
    const packets = [reset, Buffer.concat([preface, call(1), goodbye, ...later])]
    // Through `node:http2` of Node 20 the second ends a process after some hundred.
    for (const packet of packets)
      for (const port of [replica.clientPort, replica.peerPort])
        for (let i = 0; i < 300; i++) {
          const stranger = connectTcp(port, '127.0.0.1')
          stranger.on('error', () => undefined)
          stranger.write(packet)
          // The settings of the other end: by then it has read the packet.
          await new Promise((resolve) => stranger.once('data', resolve).once('close', resolve))
          stranger.destroy()
        }
    await alice.send('bob', 'still here')
    expect(replica.program.hasExited).toBe(false)
  })

  it('a connection is ended for a reset flood, for endless headers and for headers that are too long', async () => {
    const replica = await startLoneReplica()
    const ended = attacks.filter(([name]) => /^rapid reset$|^CONTINUATION/.test(name))
    expect(ended).toHaveLength(2)
    for (const [, { next }] of ended) {
      const stranger = new RawConnection(replica.clientPort)
      stranger.read()
      await stranger.flood(next(), () => stranger.written > 64 * mebibyte)
      expect(stranger.refused).toBe(true)
      stranger.destroy()
    }
    expect(await answerToHeader(replica.clientPort, 1_024)).toBe('200')
    expect(await answerToHeader(replica.clientPort, 128 * 1_024)).not.toBe('200')
  })
})

/** Calls with a header so long; gives the status of HTTP, or how the call broke. */
function answerToHeader(port: number, length: number): Promise<string> {
  return new Promise((resolve) => {
    const session = connectHttp2(`http://127.0.0.1:${port}`, { maxSendHeaderBlockLength: 1_024 * 1_024 })
    session.on('error', (error: Error) => resolve(error.message))
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      long: 'x'.repeat(length),
    })
    stream.on('response', (headers) => resolve(String(headers[':status'])))
    stream.on('error', (error: Error) => resolve(error.message))
    stream.on('close', () => {
      resolve('closed')
      session.destroy()
    })
    stream.end(Buffer.alloc(5))
  })
}

/** A connection, and calls on it by hand. */
function openByHand(
  port: number,
  more: Readonly<Record<string, string>> = {},
): {
  readonly session: ClientHttp2Session
  readonly call: () => ClientHttp2Stream
} {
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  session.on('error', () => undefined)
  onTestFinished(() => session.destroy())
  const headers = {
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...more,
  }
  return { session, call: () => session.request(headers).on('error', () => undefined) }
}

/** So many bytes of a request that says it had as many as `length`. */
function partOfRequest(bytes: number, length: number): Buffer {
  const part = Buffer.alloc(5 + bytes)
  part.writeUInt32BE(length, 1)
  return part
}

describe('requests', () => {
  it.each([2 * mebibyte, 2 ** 32 - 1])(
    'that say they have %i bytes are refused at their beginning',
    async (length) => {
      const replica = await startLoneReplica()
      const stream = openByHand(replica.clientPort).call()
      stream.write(partOfRequest(100, length))
      const status = await new Promise((resolve) =>
        stream.on('response', (fields) => resolve(fields['grpc-status'])),
      )
      // RESOURCE_EXHAUSTED
      expect(status).toBe('8')
      await replica.loggedIn('alice')
    },
  )

  it('that are packed are not unpacked', async () => {
    const replica = await startLoneReplica()
    const packed = gzipSync(Buffer.alloc(64 * mebibyte))
    const part = Buffer.concat([partOfRequest(0, packed.length), packed])
    part.writeUInt8(1, 0)
    const before = replica.memory()
    const { call } = openByHand(replica.clientPort, { 'grpc-encoding': 'gzip' })
    const answers = Array.from({ length: 20 }, async () => {
      const stream = call()
      stream.end(part)
      return await new Promise((resolve) => stream.on('response', (fields) => resolve(fields['grpc-status'])))
    })
    // UNIMPLEMENTED
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['12']))
    expect(replica.memory() - before).toBeLessThan(allowedGrowth)
    await replica.loggedIn('alice')
  })

  it('on one connection are bounded', async () => {
    const replica = await startLoneReplica()
    const { session } = openByHand(replica.clientPort)
    await new Promise((resolve) => session.on('remoteSettings', resolve))
    expect(session.remoteSettings.maxConcurrentStreams).toBe(1_024)
    // Who does not care for what it was told is made to.
    const stranger = new RawConnection(replica.clientPort)
    stranger.read()
    let stream = -1
    const unfinished = (): Buffer => {
      stream += 2
      return frame('headers', endHeaders, stream, callHeaders(path))
    }
    await stranger.flood(unfinished, () => stream > 2 * 2_000)
    await eventually('calls that were refused', () =>
      stranger.resets >= 2_000 - 1_024 || stranger.refused ? true : null,
    )
    stranger.destroy()
    await replica.loggedIn('alice')
  })

  it('that are never finished cost their caller the connection, and others go on', async () => {
    const replica = await startLoneReplica()
    const alice = await replica.loggedIn('alice')
    await replica.loggedIn('bob')
    const { session, call } = openByHand(replica.clientPort)
    for (let i = 0; i < 20; i++) call().write(partOfRequest(500_000, 1_000_000))
    let over = false
    const closed = new Promise((resolve) => session.on('close', resolve)).then(() => {
      over = true
    })
    let sent = 0
    for (; !over; sent++) await alice.send('bob', 'goes on')
    await closed
    expect(sent).toBeGreaterThan(20)
    expect(await refusals(replica, 1)).toEqual(['left a request unfinished for 10000 ms'])
  })
})

describe('connections', () => {
  it('are bounded, in all and from one address, and others come in when some leave', async () => {
    const replica = await startLoneReplica(['--max-connections', '20', '--max-connections-per-address', '12'])
    const idle: Socket[] = []
    const open = async (localAddress: string): Promise<boolean> => {
      const socket = connectTcp({ port: replica.clientPort, host: '127.0.0.1', localAddress })
      idle.push(socket)
      socket.on('error', () => undefined).resume()
      socket.write(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1'))
      // A connection that stays is greeted with SETTINGS.
      return await new Promise((resolve) => {
        socket.once('data', () => resolve(true))
        socket.once('close', () => resolve(false))
      })
    }
    onTestFinished(() => {
      for (const socket of idle) socket.destroy()
    })
    const own: boolean[] = []
    for (let i = 0; i < 14; i++) own.push(await open('127.0.0.1'))
    expect(own.filter(Boolean)).toHaveLength(12)
    const others: boolean[] = []
    for (let i = 0; i < 10; i++) others.push(await open('127.0.0.2'))
    expect(others.filter(Boolean)).toHaveLength(8)
    expect((await refusals(replica, 2)).sort()).toEqual([
      'is one more than the 12 from one address that --max-connections-per-address allows',
      'is one more than the 20 that --max-connections allows',
    ])
    for (const socket of idle) socket.destroy()
    await eventually('room for another', async () => ((await open('127.0.0.1')) ? true : null))
    await (await replica.connect()).createAccount('alice', 'sesame')
  })

  it('that say nothing, or no HTTP/2, end by themselves', async () => {
    const replica = await startLoneReplica()
    for (const bytes of [Buffer.alloc(0), randomBytes(100)]) {
      const socket = connectTcp(replica.clientPort, '127.0.0.1')
      socket.on('error', () => undefined).resume()
      socket.write(bytes)
      await new Promise((resolve) => socket.on('close', resolve))
    }
    expect(replica.program.hasExited).toBe(false)
  })
})

import { once } from 'node:events'
import { createServer as createHttp2Server } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { duplexPair } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { frame } from '../../test/frames.ts'
import { ClientConnection } from './client-connection.ts'
import { encodeFields } from './field-encoder.ts'
import { preface } from './protocol.ts'
import type { StreamListener } from './stream.ts'

const post = [':method', 'POST', ':scheme', 'http', ':path', '/echo', ':authority', 'x']

interface Heard extends StreamListener {
  readonly events: string[]
  readonly bytes: Buffer[]
}

function listener(): Heard {
  const heard: Heard = {
    events: [],
    bytes: [],
    answered: (fields) => heard.events.push(fields.filter((_, at) => at % 2 === 1).join(' ')),
    data: (bytes) => heard.bytes.push(Buffer.from(bytes)),
    ended: () => heard.events.push('ended'),
    drained: () => heard.events.push('drained'),
    closed: () => heard.events.push('closed'),
  }
  return heard
}

/** Node's own server, which sends back what comes, and a connection to it. */
async function echoed(): Promise<{ client: ClientConnection; events: string[]; leave: () => void }> {
  const server = createHttp2Server()
  const leaves: (() => void)[] = []
  server.on('session', (session) => leaves.push(() => session.close()))
  server.on('stream', (stream) => {
    stream.respond({ ':status': 200, kind: 'echo' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ end: 'trailers' }))
    stream.pipe(stream)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('not bound')
  const socket: Socket = connect(bound.port, '127.0.0.1')
  await once(socket, 'connect')
  const events: string[] = []
  const client = new ClientConnection(socket, {
    closed: () => events.push('closed'),
    goodbye: () => events.push('goodbye'),
  })
  onTestFinished(() => {
    client.destroy()
    server.close()
  })
  return { client, events, leave: () => leaves[0]?.() }
}

test('with the server of another implementation calls are made, one after the other and at once', async () => {
  const { client } = await echoed()
  const parts = Array.from({ length: 40 }, (_, at) => Buffer.alloc(10_007, at))
  for (let round = 0; round < 3; round++) {
    const calls = Array.from({ length: 5 }, async () => {
      const heard = listener()
      const closed = new Promise<void>((resolve) => {
        heard.closed = () => resolve()
      })
      const stream = client.request(post, heard)
      for (const part of parts) stream.write(part)
      stream.end(encodeFields(['the', 'end']))
      await closed
      expect(Buffer.concat(heard.bytes).equals(Buffer.concat(parts))).toBe(true)
      expect(heard.events[0]).toMatch(/^200 echo/)
      expect(heard.events.slice(-2)).toEqual(['trailers', 'ended'])
    })
    await Promise.all(calls)
  }
  expect(client.streams).toBe(0)
})

test('it asks for a sign of life, and hears that the other end leaves', async () => {
  const { client, events, leave } = await echoed()
  await new Promise<void>((resolve) => client.ping(resolve))
  const heard = listener()
  const begun = new Promise<void>((resolve) => {
    heard.answered = () => resolve()
  })
  client.request(post, heard)
  await begun
  leave()
  while (events.length === 0) await new Promise<void>((resolve) => client.ping(resolve))
  expect(events).toEqual(['goodbye'])
  // The call goes on.
  expect(heard.events).toEqual([])
  client.destroy()
  expect(heard.events).toEqual(['closed'])
  expect(events).toEqual(['goodbye', 'closed'])
})

test('what is no answer ends the connection', async () => {
  for (const bytes of [
    Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
    Buffer.concat([frame(4, 0, 0), frame(1, 4, 3, encodeFields([':status', '200']))]),
    Buffer.concat([frame(4, 0, 0), frame(5, 4, 1, Buffer.alloc(4))]),
  ]) {
    const [own, other] = duplexPair()
    const heard = listener()
    const client = new ClientConnection(own, { closed: () => undefined, goodbye: () => undefined })
    client.request(post, heard)
    const came: Buffer[] = []
    other.on('data', (chunk: Buffer) => came.push(chunk))
    other.write(bytes)
    await once(other, 'end')
    expect(heard.events).toEqual(['closed'])
    expect(Buffer.concat(came).subarray(0, preface.length).equals(preface)).toBe(true)
    own.destroy()
  }
})

import { once } from 'node:events'
import { connect, type OutgoingHttpHeaders } from 'node:http2'
import { createServer, type Socket } from 'node:net'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { FieldDecoder } from './field-decoder.ts'
import { encodeFields, noTable } from './field-encoder.ts'
import { errorCode } from './protocol.ts'
import { ServerConnection } from './server-connection.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')
const decoder = (): FieldDecoder => new FieldDecoder(65_536)

// RFC 7541, Appendix C.
const request = [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'www.example.com']
const second = [...request, 'cache-control', 'no-cache']
const third = [
  ...[':method', 'GET', ':scheme', 'https', ':path', '/index.html', ':authority', 'www.example.com'],
  ...['custom-key', 'custom-value'],
]

test.each([
  [
    'C.2.1',
    '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572',
    ['custom-key', 'custom-header'],
  ],
  ['C.2.2', '040c 2f73 616d 706c 652f 7061 7468', [':path', '/sample/path']],
  ['C.2.3', '1008 7061 7373 776f 7264 0673 6563 7265 74', ['password', 'secret']],
  ['C.2.4', '82', [':method', 'GET']],
])('one field: %s', (_, block, fields) => {
  expect(decoder().decode(hex(block))).toEqual(fields)
})

test.each([
  [
    'C.3, as it is',
    '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
    '8286 84be 5808 6e6f 2d63 6163 6865',
    '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
  ],
  [
    'C.4, in Huffman code',
    '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
    '8286 84be 5886 a8eb 1064 9cbf',
    '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
  ],
])('three requests, of which each builds on the one before: %s', (_, ...blocks) => {
  const made = decoder()
  expect(blocks.map((block) => made.decode(hex(block)))).toEqual([request, second, third])
})

test('what no longer fits into the table is gone, the oldest first', () => {
  const made = decoder()
  const value = 'v'.repeat(2_000)
  const enter = (name: string): Buffer => {
    const length = Buffer.of(
      0x7f,
      ...[(2_000 - 127) & 0x7f, 0].map((low, at) => (at === 0 ? low | 0x80 : (2_000 - 127) >> 7)),
    )
    return Buffer.concat([Buffer.of(0x40, name.length), Buffer.from(name), length, Buffer.from(value)])
  }
  for (const name of ['one', 'two', 'three']) expect(made.decode(enter(name))).toEqual([name, value])
  expect(made.decode(hex('be'))).toEqual(['three', value])
  expect(made.decode(hex('bf'))).toEqual(['two', value])
  expect(() => made.decode(hex('c0'))).toThrow(/names field 64, which nobody entered/)
})

test('the other end may make the table smaller, at the beginning of a block', () => {
  const made = decoder()
  made.decode(hex('400161 0162 400163 0164'))
  // 68 bytes: two fields of 34 each. Then 67.
  expect(made.decode(hex('3f25 be bf'))).toEqual(['c', 'd', 'a', 'b'])
  expect(made.decode(hex('3f24 be'))).toEqual(['c', 'd'])
  expect(() => made.decode(hex('bf'))).toThrow(/nobody entered/)
  expect(made.decode(hex('20'))).toEqual([])
  expect(() => made.decode(hex('be'))).toThrow(/nobody entered/)
})

test('a field that is larger than the table empties it, and that is no fault', () => {
  const made = decoder()
  made.decode(hex('3f21 400161 0162'))
  const long = Buffer.concat([hex('40 03'), Buffer.from('abc'), hex('7f 21'), Buffer.alloc(160, 'x')])
  expect(made.decode(long)).toEqual(['abc', 'x'.repeat(160)])
  expect(() => made.decode(hex('be'))).toThrow(/nobody entered/)
})

test.each([
  ['an index of 0', '80'],
  ['an index that nobody entered', 'be'],
  ['a name that nobody entered', '7e 0161'],
  ['the end within a number', 'ff'],
  ['the end within a text', '40 05 6162'],
  ['the end within a value', '00 01 61 05 62'],
  ['no value', '40 01 61'],
  ['a table that is too large', '3f e2 1f'],
  ['another size after the first field', '82 20'],
  ['the end of a text within it, in Huffman code', '40 84 ffffffff 01 61'],
  ['padding of 8 bits', '40 82 f8ff 01 61'],
  ['padding of zeros', '40 81 18 01 61'],
])('it cannot be read: %s', (_, block) => {
  expect(() => decoder().decode(hex(block))).toThrow(
    expect.objectContaining({ name: 'ConnectionError', code: errorCode.compressionError }),
  )
})

test('a number has 28 bits at most', () => {
  expect(() => decoder().decode(hex('ff ff ff ff 7f'))).toThrow(/nobody entered/)
  expect(() => decoder().decode(hex('ff ff ff ff ff 00'))).toThrow(/more than 28 bits/)
})

test.each([
  ['capitals in a name', 'Name', 'x'],
  ['a space in a name', 'na me', 'x'],
  ['no name', '', 'x'],
  ['a colon within a name', 'a:b', 'x'],
  ['a line end', 'name', 'a\nb'],
  ['a carriage return', 'name', 'a\rb'],
  ['a zero', 'name', 'a\0b'],
])('HTTP/2 does not allow it: %s', (_, name, value) => {
  expect(() => decoder().decode(encodeFields([name, value]))).toThrow(
    expect.objectContaining({ name: 'ConnectionError', code: errorCode.protocolError }),
  )
})

test('a space at either end of a value is passed over', () => {
  expect(decoder().decode(encodeFields(['name', ' x ']))).toEqual(['name', ' x '])
})

test('there may be 128 fields', () => {
  const made = decoder()
  expect(made.decode(Buffer.alloc(128, 0x82))).toHaveLength(256)
  expect(made.decode(Buffer.alloc(129, 0x82))).toBeNull()
})

test('more fields than are allowed are none, and the next block is read as it should', () => {
  const made = new FieldDecoder(100)
  expect(made.decode(hex('400161 0162 be be'))).toBeNull()
  expect(made.decode(hex('be'))).toEqual(['a', 'b'])
  expect(made.decode(hex('be be'))).toEqual(['a', 'b', 'a', 'b'])
})

test.each([126, 127, 128, 254, 255, 256, 16_510, 16_511])(
  'a text of %i bytes is read as it was written',
  (length) => {
    const fields = ['name', 'x'.repeat(length)]
    expect(decoder().decode(encodeFields(fields))).toEqual(fields)
  },
)

test('what is written is read, however long', () => {
  const name = fc.stringMatching(/^[a-z][a-z-]{0,20}$/)
  const value = fc.oneof(
    fc.stringMatching(/^[!-~]{0,20}$/),
    fc.integer({ min: 100, max: 20_000 }).map((length) => 'x'.repeat(length)),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 3 }), (pairs) => {
      const fields = [':status', '200', ...pairs.flat()]
      expect(decoder().decode(Buffer.concat([noTable, encodeFields(fields)]))).toEqual(fields)
    }),
  )
})

function outcomeOf(blocks: readonly Uint8Array[]): string {
  const made = decoder()
  try {
    for (const block of blocks) made.decode(Buffer.from(block))
    return 'read'
  } catch (error) {
    return error instanceof Error ? error.name : 'unknown'
  }
}

test('whatever comes, it is read or refused in words', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { minLength: 1, maxLength: 4 }), (blocks) => {
      expect(['read', 'ConnectionError']).toContain(outcomeOf(blocks))
    }),
    { numRuns: 2_000 },
  )
})

test('what another implementation writes is read, request after request', async () => {
  const heard: (readonly string[])[] = []
  const connections: Socket[] = []
  const server = createServer((socket) => {
    connections.push(socket)
    const connection = new ServerConnection(socket, {
      mostStreams: 100,
      opened: (stream, fields) => {
        heard.push(fields)
        stream.beginAndEnd(encodeFields([':status', '200']))
      },
      closed: () => undefined,
    })
    expect(connection.destroyed).toBe(false)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('not bound')
  const session = connect(`http://127.0.0.1:${bound.port}`)
  onTestFinished(() => {
    session.destroy()
    for (const socket of connections) socket.destroy()
    server.close()
  })
  // Few names, so that fields come again, and every octet that a value may have.
  const name = fc.constantFrom('a', 'b-c', 'grpc-timeout', 'user-agent', 'x-long-name-of-a-field')
  const value = fc.oneof(
    fc.constantFrom('', '1', 'again and again', 'x'.repeat(3_000)),
    fc
      .array(
        fc.integer({ min: 33, max: 255 }).filter((octet) => octet !== 127),
        { maxLength: 40 },
      )
      .map((octets) => String.fromCharCode(...octets)),
  )
  await fc.assert(
    fc.asyncProperty(fc.dictionary(name, value, { maxKeys: 5 }), async (more: OutgoingHttpHeaders) => {
      const stream = session.request({ ':method': 'POST', ':path': '/p', ...more })
      stream.resume()
      stream.end()
      await once(stream, 'close')
      const fields = heard.pop() ?? []
      const read = new Map<string, string>()
      for (let at = 0; at < fields.length; at += 2) read.set(fields[at] ?? '', fields[at + 1] ?? '')
      for (const [key, text] of Object.entries(more)) expect(read.get(key)).toBe(text)
      expect(read.get(':path')).toBe('/p')
    }),
    { numRuns: 300 },
  )
})

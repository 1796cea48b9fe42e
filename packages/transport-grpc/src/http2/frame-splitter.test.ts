import fc from 'fast-check'
import { expect, onTestFinished, test, vi } from 'vitest'
import { FrameSplitter } from './frame-splitter.ts'
import { encodeFrame } from './frames.ts'
import { errorCode, preface } from './protocol.ts'

interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly content: string
}

const octet = fc.nat({ max: 255 })
const frames = fc.array(
  fc.record<Frame>({
    type: octet,
    flags: octet,
    stream: fc.nat({ max: 2 ** 31 - 1 }),
    content: fc.oneof(
      fc.constant(''),
      fc.string({ unit: 'binary-ascii', maxLength: 30 }),
      fc.constant('x'.repeat(16_384)),
    ),
  }),
  { maxLength: 5 },
)

test('frames are the same, whatever parts they come in', () => {
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 20_000 })), (sent, sizes) => {
      const bytes = Buffer.concat([
        preface,
        ...sent.map(({ type, flags, stream, content }) =>
          encodeFrame(type, flags, stream, Buffer.from(content, 'latin1')),
        ),
      ])
      const seen: Frame[] = []
      const splitter = new FrameSplitter(preface, (type, flags, stream, content) => {
        seen.push({ type, flags, stream, content: content.toString('latin1') })
        return true
      })
      let at = 0
      for (const size of [...sizes, bytes.length]) {
        splitter.push(bytes.subarray(at, at + size))
        at += size
      }
      expect(seen).toEqual(sent)
    }),
  )
})

test('each byte may come alone', () => {
  const seen: number[] = []
  const splitter = new FrameSplitter(preface, (_type, _flags, stream) => seen.push(stream) > 0)
  for (const byte of Buffer.concat([
    preface,
    encodeFrame(0, 0, 1, Buffer.alloc(3)),
    encodeFrame(0, 0, 3, Buffer.alloc(0)),
  ]))
    splitter.push(Buffer.of(byte))
  expect(seen).toEqual([1, 3])
})

test('a frame whose parts come one by one is put together in its own memory, once', () => {
  const seen: Buffer[] = []
  const splitter = new FrameSplitter(preface, (_type, _flags, _stream, content) => seen.push(content) > 0)
  const content = Buffer.from(Array.from({ length: 16_384 }, (_, at) => at % 251))
  const bytes = Buffer.concat([preface, encodeFrame(0, 0, 1, content), encodeFrame(0, 0, 3, content)])
  const copied = vi.spyOn(Buffer, 'concat')
  onTestFinished(() => copied.mockRestore())
  for (const byte of bytes) splitter.push(Buffer.of(byte))
  expect(seen.map((one) => one.equals(content))).toEqual([true, true])
  // The heads alone.
  expect(copied.mock.calls.length).toBeLessThan(20)
})

test('who wants no more gets no more', () => {
  const seen: number[] = []
  const splitter = new FrameSplitter(preface, (_type, _flags, stream) => seen.push(stream) < 2)
  splitter.push(
    Buffer.concat([preface, ...[1, 3, 5].map((stream) => encodeFrame(0, 0, stream, Buffer.alloc(0)))]),
  )
  expect(seen).toEqual([1, 3])
})

test.each([
  ['another preface', Buffer.from('GET / HTTP/1.1\r\n'), errorCode.protocolError],
  ['another end of the preface', Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r'), errorCode.protocolError],
  [
    'a frame that is too long, from its head alone',
    Buffer.concat([preface, Buffer.of(0, 0x40, 1, 0, 0, 0, 0, 0, 1)]),
    errorCode.frameSizeError,
  ],
  ['an answer of HTTP/1', Buffer.concat([preface, Buffer.from('HTTP/1.1 400')]), errorCode.protocolError],
])('nothing can be made of %s', (_, bytes, code) => {
  const splitter = new FrameSplitter(preface, () => true)
  expect(() => splitter.push(bytes)).toThrow(expect.objectContaining({ name: 'ConnectionError', code }))
})

import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { fillPrefix, MessageSplitter, prefixBytes } from './grpc-framing.ts'

function framed(message: Uint8Array): Buffer {
  return fillPrefix(Buffer.concat([Buffer.alloc(prefixBytes), message]))
}

test('messages come out whole, however they are cut on their way', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 400 }),
      (messages, lengths) => {
        const splitter = new MessageSplitter(40)
        let rest = Buffer.concat(messages.map(framed))
        const seen: Buffer[] = []
        for (let cut = 0; rest.length > 0; cut++) {
          const length = lengths[cut % lengths.length] ?? 1
          seen.push(...splitter.push(rest.subarray(0, length)))
          rest = rest.subarray(length)
        }
        expect(seen.map((message) => [...message])).toEqual(messages.map((message) => [...message]))
      },
    ),
  )
})

test('a long message in small parts takes its own length of memory, and not before some of it has come', () => {
  const message = Buffer.alloc(4 * 1024 * 1024, 7)
  const bytes = framed(message)
  const splitter = new MessageSplitter(message.length)
  const allocated = vi.spyOn(Buffer, 'allocUnsafeSlow')
  try {
    const seen: Buffer[] = []
    seen.push(...splitter.push(bytes.subarray(0, 6)))
    expect(allocated.mock.calls).toEqual([[16_384]])
    for (let at = 6; at < bytes.length; at += 16_384)
      seen.push(...splitter.push(bytes.subarray(at, at + 16_384)))
    expect(seen).toHaveLength(1)
    expect(seen[0]?.equals(message)).toBe(true)
    expect(allocated.mock.calls).toEqual([[16_384], [message.length]])
  } finally {
    allocated.mockRestore()
  }
})

test('a message over the bound is refused by its prefix, before it has come', () => {
  const splitter = new MessageSplitter(40)
  expect(() => splitter.push(framed(Buffer.alloc(41)).subarray(0, prefixBytes))).toThrow(
    'A message of 41 bytes, where at most 40 are allowed',
  )
})

test('a compressed message is refused', () => {
  const bytes = framed(Buffer.alloc(3))
  bytes[0] = 1
  expect(() => new MessageSplitter(40).push(bytes)).toThrow('A compressed message')
})

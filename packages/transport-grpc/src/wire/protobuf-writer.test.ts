import { expect, test } from 'vitest'
import { ProtobufReader } from './protobuf-reader.ts'
import { ProtobufWriter } from './protobuf-writer.ts'

const sizes = [0, 1, 127, 128, 129, 16_383, 16_384, 16_385]

test.each(sizes)(
  'an embedded message of %i bytes is the same, whatever length was expected of it',
  (size) => {
    const content = new Uint8Array(size).fill(7)
    for (const expected of [...sizes, 3_000_000]) {
      // Room for little: it has to grow within the message, too.
      const writer = new ProtobufWriter(8, 3)
      writer.open(1, expected)
      writer.open(2, expected)
      writer.encoded(content)
      writer.close()
      writer.uint(3, 5)
      writer.close()
      writer.uint(4, 6)

      const reader = new ProtobufReader(writer.finish().subarray(3))
      expect(reader.tag()).toBe((1 << 3) | 2)
      const enclosing = reader.enter()
      expect(reader.tag()).toBe((2 << 3) | 2)
      expect(Buffer.compare(reader.bytes(), content)).toBe(0)
      expect(reader.tag()).toBe(3 << 3)
      expect(reader.uint()).toBe(5)
      expect(reader.tag()).toBe(0)
      reader.leave(enclosing)
      expect(reader.tag()).toBe(4 << 3)
      expect(reader.uint()).toBe(6)
      expect(reader.tag()).toBe(0)
      expect(writer.finish().length).toBe(lengthOf(size))
    }
  },
)

/** With the shortest lengths, and the three bytes of headroom. */
function lengthOf(size: number): number {
  const inner = 1 + varintBytes(size) + size + 2
  return 3 + 1 + varintBytes(inner) + inner + 2
}

function varintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : 3
}

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyText } from '../../test/any-text.ts'
import { Digest } from './digest.ts'
import { nodeTextCodec, portableTextCodec, type TextCodec } from './text-codec.ts'
import { decodeUtf8, encodeUtf8, getUtf8, putShortAscii, putUtf8, utf8Length } from './utf8.ts'

const text = anyText(40)
const bytes = (some: string): Uint8Array => new TextEncoder().encode(some)

const codecs: readonly (readonly [string, () => TextCodec | null])[] = [
  ["Node's", nodeTextCodec],
  ['the portable', portableTextCodec],
]

describe.each(codecs)('%s text codec', (_, make) => {
  const codec = make()
  if (codec === null) throw new Error('These tests run on Node.')

  it('puts and gets as the standard says, and touches nothing beside', () => {
    fc.assert(
      fc.property(text, fc.nat(9), (some, at) => {
        const expected = bytes(some)
        expect(codec.length(some)).toBe(expected.length)
        const room = new Uint8Array(at + 3 * some.length + 5).fill(0xff)
        expect(codec.put(room, at, some, 3 * some.length)).toBe(expected.length)
        const end = at + expected.length
        expect(room.subarray(at, end)).toEqual(expected)
        expect([...room.subarray(0, at), ...room.subarray(end)].every((byte) => byte === 0xff)).toBe(true)
        expect(codec.get(room, at, end)).toBe(some)
      }),
    )
  })

  it('writes no further than it may', () => {
    const room = new Uint8Array(40)
    expect(codec.put(room, 3, 'x'.repeat(50), 30)).toBe(30)
    expect(room.subarray(33).every((byte) => byte === 0)).toBe(true)
  })

  it('works in the middle of a buffer', () => {
    const whole = new Uint8Array(300)
    const part = whole.subarray(100, 200)
    expect(codec.put(part, 10, 'grüße', 15)).toBe(7)
    expect(new TextDecoder().decode(whole.subarray(110, 117))).toBe('grüße')
    expect(codec.get(part, 10, 17)).toBe('grüße')
  })

  it('gets what is no UTF-8 with the replacement character in it, and keeps a leading U+FEFF', () => {
    for (const wrong of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf4, 0x90, 0x80, 0x80]])
      expect(codec.get(Uint8Array.from([0x61, ...wrong]), 0, 1 + wrong.length)).toMatch(/^a\ufffd+$/)
    expect(codec.get(bytes('\ufeffname'), 0, 7)).toBe('\ufeffname')
  })
})

it('a host whose Buffer is another gets the portable codec', () => {
  const { Buffer } = globalThis
  try {
    for (const other of [undefined, {}, class {}, Object.assign(class {}, { byteLength: () => 0 })]) {
      Reflect.set(globalThis, 'Buffer', other)
      expect(nodeTextCodec()).toBeNull()
    }
  } finally {
    globalThis.Buffer = Buffer
  }
})

describe('decodeUtf8', () => {
  it('gives any text, wherever it lies, and undefined for what is no UTF-8', () => {
    const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    const piece = fc.oneof(text.map(bytes), fc.uint8Array({ maxLength: 6 }))
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 4 }), fc.nat(5), (pieces, at) => {
        const some = Uint8Array.from(pieces.flatMap((each) => [...each]))
        let expected: string | undefined
        try {
          expected = strict.decode(some)
        } catch {
          expected = undefined
        }
        const place = Uint8Array.from([...Array.from({ length: at }, () => 0xc3), ...some, 0x80])
        expect(decodeUtf8(place, at, at + some.length)).toBe(expected)
      }),
      { numRuns: 1_000 },
    )
  })

  it('takes a replacement character that was written', () => {
    const some = `${'x'.repeat(20)}\ufffd`
    expect(decodeUtf8(bytes(some), 0, 23)).toBe(some)
  })
})

describe('encodeUtf8 and putShortAscii', () => {
  it('say where the text ends', () => {
    fc.assert(
      fc.property(text, fc.nat(9), (some, at) => {
        const expected = bytes(some)
        const room = new Uint8Array(at + 3 * some.length)
        expect(encodeUtf8(room, at, some)).toBe(at + expected.length)
        expect(room.subarray(at, at + expected.length)).toEqual(expected)
        room.fill(0)
        const isShortAscii = some.length <= 32 && expected.length === some.length
        const end = putShortAscii(room, at, some)
        expect(end).toBe(isShortAscii ? at + some.length : -1)
        const put = end === -1 ? 0 : some.length
        expect(room.subarray(at, at + put)).toEqual(expected.subarray(0, put))
      }),
    )
  })
})

describe('utf8Length', () => {
  it('is what the encoder makes', () => {
    fc.assert(
      fc.property(text, (some) => {
        expect(utf8Length(some)).toBe(new TextEncoder().encode(some).length)
      }),
    )
  })
})

describe('putUtf8 and getUtf8', () => {
  it('give back any text, wherever it is put', () => {
    fc.assert(
      fc.property(text, fc.nat(9), (some, at) => {
        const length = utf8Length(some)
        const bytes = new Uint8Array(at + length + 5).fill(0xff)
        expect(putUtf8(bytes, at, some, length)).toBe(at + length)
        expect(getUtf8(bytes, at, length)).toBe(some)
        expect(bytes.subarray(0, at).every((byte) => byte === 0xff)).toBe(true)
        expect(bytes.subarray(at + length).every((byte) => byte === 0xff)).toBe(true)
      }),
    )
  })

  it('take a leading U+FEFF for text', () => {
    const bytes = new Uint8Array(200)
    for (const some of ['\ufeffname', `\ufeff${'x'.repeat(100)}`]) {
      expect(getUtf8(bytes, 0, putUtf8(bytes, 0, some, utf8Length(some)))).toBe(some)
    }
  })
})

describe('Digest', () => {
  // Golden values: replicas of different versions compare them, and fingerprints lie in snapshots.
  it('is the same for ever', () => {
    expect(new Digest().toString()).toBe('7a32915a5976fb29')
    expect(
      new Digest()
        .text('hello')
        .number(2 ** 40 + 7)
        .toString(),
    ).toBe('c8d7dd2c2da99bbc')
    expect(new Digest().text('grüße 😀').toNumber()).toBe(6468993841159543)
  })

  it('tells where one text ends and the next begins', () => {
    expect(new Digest().text('ab').text('c').toString()).not.toBe(
      new Digest().text('a').text('bc').toString(),
    )
  })

  it('depends on every bit of a number', () => {
    const seen = new Set<string>([new Digest().number(0).toString()])
    for (let bit = 0; bit < 53; bit++) seen.add(new Digest().number(2 ** bit).toString())
    expect(seen.size).toBe(54)
  })

  it('has no collisions among a hundred thousand near texts', () => {
    const seen = new Set<number>()
    for (let i = 0; i < 100_000; i++)
      seen.add(new Digest().text('send').text('bob').text(`message ${i}`).toNumber())
    expect(seen.size).toBe(100_000)
  })

  it('is a safe integer as a number', () => {
    fc.assert(
      fc.property(text, (some) => {
        expect(Number.isSafeInteger(new Digest().text(some).toNumber())).toBe(true)
      }),
    )
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anyText } from '../../test/any-text.ts'
import { Digest } from './digest.ts'
import { getUtf8, putUtf8, utf8Length } from './utf8.ts'

const text = anyText(40)

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

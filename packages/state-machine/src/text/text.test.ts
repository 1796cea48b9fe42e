import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareByCodePoint } from './code-point-order.ts'
import { Digest } from './digest.ts'
import { utf8Length } from './utf8.ts'

const text = fc.string({ unit: 'binary' })

describe('utf8Length', () => {
  it('is what the encoder makes', () => {
    fc.assert(
      fc.property(text, (some) => {
        expect(utf8Length(some)).toBe(new TextEncoder().encode(some).length)
      }),
    )
  })
})

describe('compareByCodePoint', () => {
  it('orders as the bytes of UTF-8 do', () => {
    fc.assert(
      fc.property(text, text, text, (shared, a, b) => {
        const bytes = Buffer.compare(Buffer.from(shared + a), Buffer.from(shared + b))
        expect(Math.sign(compareByCodePoint(shared + a, shared + b))).toBe(bytes)
      }),
    )
  })

  it('puts what needs a surrogate pair after the rest', () => {
    const names = ['\uffee', '𝔸']
    expect([...names].sort(compareByCodePoint)).toEqual(names)
    expect([...names].sort()).not.toEqual(names)
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

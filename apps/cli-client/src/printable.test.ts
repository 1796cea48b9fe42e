import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { printable, printableJson, printableLines } from './printable.ts'

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not come through
const dangerous = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/u

describe('printable', () => {
  it.each([
    ['\u001b[31mred', '␛[31mred'],
    ['one\ntwo\r\n\tthree', 'one␊two␍␊␉three'],
    ['bell\u0007 delete\u007f', 'bell␇ delete␡'],
    ['\u009b2J', '⟨U+009B⟩2J'],
    ['abc\u202egnp.exe', 'abc⟨U+202E⟩gnp.exe'],
    ['half \ud83d a pair', 'half \ufffd a pair'],
    ['grüße 👩‍👩‍👧 שלום', 'grüße 👩‍👩‍👧 שלום'],
  ])('shows %j', (text, shown) => {
    expect(printable(text)).toBe(shown)
  })

  it('lets nothing through that drives a terminal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printable(text)).not.toMatch(dangerous)
        expect(printableLines(text).join('')).not.toMatch(dangerous)
        expect(printableJson(text)).not.toMatch(dangerous)
      }),
    )
  })
})

describe('printableLines', () => {
  it('keeps the lines of a text', () => {
    expect(printableLines('one\ntwo\r\nthree\rfour\u001b')).toEqual(['one', 'two', 'three', 'four␛'])
  })
})

describe('printableJson', () => {
  it('is the same value when parsed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(JSON.parse(printableJson({ text }))).toEqual({ text })
      }),
    )
  })
})

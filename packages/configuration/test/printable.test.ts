import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { printable, printableJson, printableLines, printableText } from '../src/index.ts'

/** Any text, halves of pairs too. */
const anything = fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units))
const hostile = fc.string({
  unit: fc.integer({ min: 0, max: 0x206f }).map((code) => String.fromCodePoint(code)),
})

/** The characters of a text that drive a terminal or turn its writing around. */
function dangerous(text: string): string[] {
  const ranges = [
    [0, 0x1f],
    [0x7f, 0x9f],
    [0x200e, 0x200f],
    [0x2028, 0x202e],
    [0x2066, 0x2069],
  ] as const
  return Array.from(text).filter((character) => {
    const code = character.codePointAt(0) ?? 0
    return ranges.some(([first, last]) => code >= first && code <= last)
  })
}

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
      fc.property(fc.oneof(anything, hostile), (text) => {
        const all = [printable(text), ...printableLines(text), printableJson(text)]
        expect(all.flatMap(dangerous)).toEqual([])
        expect(dangerous(printableText(text).replaceAll(/[\n\t]/g, ''))).toEqual([])
      }),
    )
  })
})

describe('printableLines', () => {
  it('keeps the lines of a text', () => {
    expect(printableLines('one\ntwo\r\nthree\rfour\u001b')).toEqual(['one', 'two', 'three', 'four␛'])
  })
})

describe('printableText', () => {
  it('keeps what lays a text out, and nothing else', () => {
    expect(printableText('a\tb\nc\u001b[2Jd\r\n')).toBe('a\tb\nc␛[2Jd␍\n')
  })
})

describe('printableJson', () => {
  it('is the same value when parsed', () => {
    fc.assert(
      fc.property(anything, (text) => {
        expect(JSON.parse(printableJson({ text }))).toEqual({ text })
      }),
    )
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LineSplitter } from './line-splitter.ts'

function split(chunks: readonly Uint8Array[], maximumLength = 1_000): string[] {
  const splitter = new LineSplitter(maximumLength)
  return [...chunks.flatMap((chunk) => splitter.push(chunk)), ...splitter.end()]
}

const bytes = (text: string): Buffer => Buffer.from(text)

describe('LineSplitter', () => {
  it.each([
    ['a\nb\n', ['a', 'b']],
    ['a\r\nb', ['a', 'b']],
    ['a\n\nb\n', ['a', '', 'b']],
    ['', []],
    ['\n', ['']],
  ])('splits %j', (text, lines) => {
    expect(split([bytes(text)])).toEqual(lines)
  })

  it('gives the same lines however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.array(fc.nat()), (text, cuts) => {
        const whole = bytes(`${text}\nlast`)
        const at = [0, ...cuts.map((cut) => cut % whole.length).sort((a, b) => a - b), whole.length]
        const chunks = at.slice(1).map((end, index) => whole.subarray(at[index], end))
        expect(split(chunks)).toEqual(split([whole]))
      }),
    )
  })

  it('keeps the beginning of a line that is too long', () => {
    const long = '0123456789abc'
    expect(split([bytes(`a\n${long}\r\nb\n`)], 10)).toEqual(['a', '0123456789', 'b'])
    expect(split([bytes('a\n012345'), bytes('6789ab'), bytes('c\nb')], 10)).toEqual(['a', '0123456789', 'b'])
    expect(split([bytes(long)], 10)).toEqual(['0123456789'])
    expect(split([bytes('0123456789\r\n')], 10)).toEqual(['0123456789'])
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Line, LineSplitter } from './line-splitter.ts'

function split(chunks: readonly Uint8Array[], maximumLength = 1_000): (string | null)[] {
  const splitter = new LineSplitter(maximumLength)
  const lines: Line[] = [...chunks.flatMap((chunk) => splitter.push(chunk)), ...splitter.end()]
  return lines.map((line) => ('text' in line ? line.text : null))
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

  it('keeps no more than one line may have', () => {
    const long = 'x'.repeat(11)
    expect(split([bytes(`a\n${long}\nb\n`)], 10)).toEqual(['a', null, 'b'])
    expect(split([bytes('a\nxxxxxx'), bytes('xxxxxx'), bytes('xx\nb')], 10)).toEqual(['a', null, 'b'])
    expect(split([bytes(long)], 10)).toEqual([null])
  })
})

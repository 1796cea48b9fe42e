import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidLine, LineSplitter } from './line-splitter.ts'

function split(chunks: readonly Uint8Array[], maximumLength = 1_000): (string | InvalidLine)[] {
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

  it('tells which line is not UTF-8, and goes on with the next', () => {
    const text = Buffer.concat([
      bytes('one\n'),
      Buffer.from([0x61, 0xff, 0x62, 0x0a]),
      bytes('three\n\u20ac'.slice(0)),
    ])
    expect(split([text])).toEqual(['one', new InvalidLine(2), 'three', '\u20ac'])
    // Half a character at the end of the input, too.
    expect(split([text.subarray(0, -1)])).toEqual(['one', new InvalidLine(2), 'three', new InvalidLine(4)])
  })

  it('cuts a line that is too long between characters', () => {
    // One byte less, and the bound lies within a character.
    for (const before of ['', 'a', 'ab', 'abc']) {
      expect(split([bytes(`${before}${'\u20ac\ud83d\ude00'.repeat(50)}\nnext`)], 9)).toEqual([
        `${before}${'\u20ac\ud83d\ude00'.repeat(50)}`.slice(0, 9),
        'next',
      ])
    }
  })

  it('keeps the beginning of a line that is too long', () => {
    const long = '0123456789abc'
    expect(split([bytes(`a\n${long}\r\nb\n`)], 10)).toEqual(['a', '0123456789', 'b'])
    expect(split([bytes('a\n012345'), bytes('6789ab'), bytes('c\nb')], 10)).toEqual(['a', '0123456789', 'b'])
    expect(split([bytes(long)], 10)).toEqual(['0123456789'])
    expect(split([bytes('0123456789\r\n')], 10)).toEqual(['0123456789'])
  })
})

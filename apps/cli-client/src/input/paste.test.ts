import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lineWithPastes, PasteSplitter, pasteInLine, type Typed } from './paste.ts'

/** All that comes out for these pieces, neighbours of one kind put together. */
function split(pieces: readonly string[]): Typed[] {
  const splitter = new PasteSplitter()
  const found = [...pieces.flatMap((piece) => splitter.push(piece)), ...splitter.release()]
  const joined: Typed[] = []
  for (const typed of found) {
    const last = joined.at(-1)
    if (last?.kind === 'keys' && typed.kind === 'keys') {
      joined[joined.length - 1] = { kind: 'keys', text: last.text + typed.text }
    } else joined.push(typed)
  }
  return joined
}

describe('a paste', () => {
  it('is told from keys, however the input is cut', () => {
    const input = 'ab\u001b[A\u001b[200~one\rtwo\u001b[20\u001b[201~c\u001b[200~\u001b[201~\u001b'
    fc.assert(
      fc.property(fc.array(fc.nat(input.length), { maxLength: 8 }), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), input.length]
        const pieces = at.slice(1).map((end, index) => input.slice(at[index], end))
        expect(split(pieces)).toEqual([
          { kind: 'keys', text: 'ab\u001b[A' },
          { kind: 'paste', text: 'one\rtwo\u001b[20' },
          { kind: 'keys', text: 'c' },
          { kind: 'paste', text: '' },
          { kind: 'keys', text: '\u001b' },
        ])
      }),
    )
  })

  it('stands in a line without a character that could drive the terminal, and comes out as it was', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0x9f })), (units) => {
        const text = String.fromCharCode(...units)
        expect(pasteInLine(text)).not.toMatch(/\p{Cc}/u)
      }),
    )
    expect(pasteInLine('a\r\n\tb\rc\n\n')).toBe('a␤␉b␤c')
    expect(lineWithPastes('a␤␉b␤c')).toBe('a\n\tb\nc')
  })

  it('is bounded', () => {
    const [paste] = split([`\u001b[200~${'x'.repeat(1_000_000)}\u001b[201~`])
    expect(paste?.text.length).toBe(131_072)
  })
})

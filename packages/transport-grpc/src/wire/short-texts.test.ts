import fc from 'fast-check'
import { expect, test } from 'vitest'
import { shortAsciiAt } from './short-texts.ts'

test('a short text of ASCII is read, whatever was read before it and lies beside it', () => {
  // Few letters, so that texts share their places.
  const text = fc.oneof(
    fc.string({ unit: fc.constantFrom('a', 'b', 'é'), maxLength: 14 }),
    fc.string({ maxLength: 14 }),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text), { maxLength: 20 }), (some) => {
      for (const [before, each] of some) {
        const bytes = Buffer.from(`${before}${each}behind`)
        const [from, length] = [Buffer.byteLength(before), Buffer.byteLength(each)]
        const isShort = length <= 12 && /^[\0-\x7f]*$/.test(each)
        expect(shortAsciiAt(bytes, from, length)).toBe(isShort ? each : undefined)
      }
    }),
    { numRuns: 300 },
  )
})

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { hashValue } from './hash-value.ts'

it('is the same for what JSON cannot tell apart, and else another', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      const [left, right] = [JSON.stringify(a), JSON.stringify(b)]
      expect(hashValue(JSON.parse(left))).toBe(hashValue(a))
      expect(hashValue(a) === hashValue(b)).toBe(left === right)
    }),
    { numRuns: 5_000, seed: 1 },
  )
})

it.each([
  [{ a: 1 }, { a: 2 }],
  [{ a: 1 }, { b: 1 }],
  [
    { a: 1, b: 2 },
    { a: 2, b: 1 },
  ],
  [{ a: { b: 1 } }, { a: {}, b: 1 }],
  [
    ['ab', 'c'],
    ['a', 'bc'],
  ],
  [[[1], 2], [[1, 2]]],
  [[], {}],
  ['1', 1],
  [0, false],
  [0, null],
  ['', null],
  [1, 2 ** 32 + 1],
  [1, 1.000_000_1],
  [1, -1],
])('tells %j from %j', (a, b) => {
  expect(hashValue(a)).not.toBe(hashValue(b))
})

it('takes what is undefined for absent', () => {
  expect(hashValue({ a: 1, b: undefined })).toBe(hashValue({ a: 1 }))
})

import { describe, expect, it } from 'vitest'
import { median, pairedRatios, percentile } from '../src/arithmetic.ts'

describe('the arithmetic of the bench', () => {
  it('takes the middle value, whatever the order', () => {
    expect(median([9, 1, 5])).toBe(5)
    expect(median([10, 9, 1, 100])).toBe(9.5)
    expect(median([7])).toBe(7)
    expect(median([])).toBeNaN()
  })

  it('takes percentiles by nearest rank, of numbers and not of texts', () => {
    const hundred = Array.from({ length: 100 }, (_, n) => 100 - n)
    expect(percentile(hundred, 50)).toBe(50)
    expect(percentile(hundred, 99)).toBe(99)
    expect(percentile(hundred, 100)).toBe(100)
    expect(percentile([3, 20, 100], 0)).toBe(3)
    expect(percentile([1, 2], 51)).toBe(2)
    expect(percentile([], 50)).toBeNaN()
  })

  it('leaves what it is given in its order', () => {
    const values = [3, 1, 2]
    median(values)
    percentile(values, 50)
    expect(values).toEqual([3, 1, 2])
  })

  it('pairs rounds, not medians', () => {
    expect(pairedRatios([50, 200, 30], [100, 200, 10])).toEqual([0.5, 1, 3])
    expect(() => pairedRatios([1, 2], [1])).toThrow(new RangeError('2 rounds cannot be paired with 1'))
  })
})

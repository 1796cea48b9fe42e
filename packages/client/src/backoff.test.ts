import { describe, expect, it } from 'vitest'
import { jitter, pauseBefore, retryBackoff, searchBackoff } from './backoff.ts'

describe('pauseBefore', () => {
  it('grows from 10 ms to 200 ms and no further', () => {
    const pauses = [0, 1, 2, 3, 4, 5, 6, 1_000].map((failures) => pauseBefore(failures, retryBackoff, 0.5))
    expect(pauses).toEqual([10, 20, 40, 80, 160, 200, 200, 200])
  })

  it('keeps the last pause of a search near a tenth of the whole', () => {
    let total = 0
    let pause = 0
    for (let failures = 0; total < 200; failures++) {
      pause = pauseBefore(failures, searchBackoff, 0.5)
      total += pause
    }
    expect(pause / total).toBeLessThan(0.25)
  })

  it('spreads by the jitter', () => {
    expect(pauseBefore(0, retryBackoff, 0)).toBeCloseTo(10 * (1 - jitter))
    expect(pauseBefore(0, retryBackoff, 1)).toBeCloseTo(10 * (1 + jitter))
  })
})

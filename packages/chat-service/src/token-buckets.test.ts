import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LoginAttempts, networkOf } from './login-attempts.ts'
import { TokenBuckets } from './token-buckets.ts'

describe('token buckets', () => {
  const rule = { capacity: 3, refillMs: 100, keys: 10 }

  test('give what a bucket holds at once, then one after another, and say when', () => {
    let now = 1_000
    const buckets = new TokenBuckets<string>(rule, () => now)
    expect([1, 2, 3, 4].map(() => buckets.take('a'))).toEqual([0, 0, 0, 100])
    expect(buckets.take('b')).toBe(0)
    now += 60
    expect(buckets.take('a')).toBe(40)
    now += 40
    expect([buckets.take('a'), buckets.take('a')]).toEqual([0, 100])
    now += 1_000_000
    expect([1, 2, 3, 4].map(() => buckets.take('a'))).toEqual([0, 0, 0, 100])
    now -= 500_000
    expect(buckets.take('a')).toBe(100)
  })

  test('take back, and forget who owes nothing', () => {
    const buckets = new TokenBuckets<string>(rule, () => 0)
    buckets.take('a')
    buckets.take('a')
    buckets.giveBack('a')
    expect(buckets.size).toBe(1)
    buckets.giveBack('a')
    buckets.giveBack('a')
    expect(buckets.size).toBe(0)
    expect([1, 2, 3, 4].map(() => buckets.take('a'))).toEqual([0, 0, 0, 100])
  })

  test('without a capacity are no limit', () => {
    const buckets = new TokenBuckets<string>({ ...rule, capacity: 0 }, () => 0)
    expect(Array.from({ length: 100 }, () => buckets.take('a'))).toEqual(Array.from({ length: 100 }, () => 0))
    expect(buckets.size).toBe(0)
  })

  test('give nobody more than the rule allows, and remember no more than they may', () => {
    const step = fc.record({ key: fc.nat({ max: 30 }), waitMs: fc.nat({ max: 40 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        let now = 0
        const buckets = new TokenBuckets<number>({ ...rule, keys: 100 }, () => now)
        const few = new TokenBuckets<number>(rule, () => now)
        const taken = new Map<number, number>()
        for (const { key, waitMs } of steps) {
          now += waitMs
          if (buckets.take(key) === 0) taken.set(key, (taken.get(key) ?? 0) + 1)
          few.take(key)
          expect(few.size).toBeLessThanOrEqual(rule.keys + 1)
        }
        for (const count of taken.values()) expect(count).toBeLessThanOrEqual(3 + now / 100)
      }),
      { seed: 6 },
    )
  })
})

describe('login attempts', () => {
  test('of countless names from countless addresses are remembered within bounds', () => {
    const limits = { loginAttemptsPerAccount: 2, loginAttemptsPerAddress: 3, limiterKeys: 100 }
    const attempts = new LoginAttempts(limits, () => 0)
    for (let i = 0; i < 10_000; i++) attempts.begin(`name ${i}`, `10.${i >> 8}.0.${i & 255}:1`)
    expect(attempts.sizes).toEqual({ accounts: 100, addresses: 100 })
  })

  test.each([
    ['127.0.0.1:5000', '127.0.0.1'],
    ['::ffff:10.0.0.1:5000', '10.0.0.1'],
    ['[2001:db8:1:2:3:4:5:6]:5000', '2001:db8:1:2'],
    ['2001:db8:1:2:3:4:5:6:5000', '2001:db8:1:2'],
    ['2001:db8::6:5000', '2001:db8:0:0'],
    ['::1:5000', '0:0:0:0'],
    ['unknown', 'unknow'],
  ])('come from the network of %s', (peer, network) => {
    expect(networkOf(peer)).toBe(network)
  })
})

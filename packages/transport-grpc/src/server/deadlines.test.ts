import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Deadlines } from './deadlines.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Calls that write down when they expire. */
function watched(): {
  deadlines: Deadlines
  expired: string[]
  add: (name: string, inMs: number) => () => void
} {
  const deadlines = new Deadlines()
  const expired: string[] = []
  return {
    deadlines,
    expired,
    add: (name, inMs) => {
      const place = deadlines.add({ endsAt: performance.now() + inMs, expire: () => expired.push(name) })
      return () => deadlines.delete(place)
    },
  }
}

test('each call ends at its own time, in whatever order they came, and none that is over', () => {
  const { expired, add } = watched()
  add('late', 300)
  add('soon', 100)
  const answered = add('answered', 100)
  add('next', 200)
  answered()
  vi.advanceTimersByTime(99)
  expect(expired).toEqual([])
  vi.advanceTimersByTime(1)
  expect(expired).toEqual(['soon'])
  vi.advanceTimersByTime(99)
  expect(expired).toEqual(['soon'])
  vi.advanceTimersByTime(1)
  expect(expired).toEqual(['soon', 'next'])
  vi.advanceTimersByTime(100)
  expect(expired).toEqual(['soon', 'next', 'late'])
  expect(vi.getTimerCount()).toBe(0)
})

test('one timer watches all, and none when nobody waits', () => {
  const { add } = watched()
  const over = Array.from({ length: 100 }, (_, at) => add(String(at), 1_000 + at))
  expect(vi.getTimerCount()).toBe(1)
  for (const end of over) end()
  vi.advanceTimersByTime(1_000)
  expect(vi.getTimerCount()).toBe(0)
})

test('a call that ends may end others, and the rest end all the same', () => {
  const { deadlines, expired, add } = watched()
  const ends: (() => void)[] = []
  deadlines.add({
    endsAt: performance.now() + 10,
    expire: () => {
      expired.push('first')
      ends[0]?.()
    },
  })
  ends.push(add('ended by the first', 10))
  add('third', 10)
  add('fourth', 20)
  vi.advanceTimersByTime(10)
  expect(expired).toEqual(['first', 'third'])
  vi.advanceTimersByTime(10)
  expect(expired).toEqual(['first', 'third', 'fourth'])
})

test('calls that end one after the other are looked through every 10 ms and no more often', () => {
  const { expired, add } = watched()
  for (let at = 0; at < 100; at++) add(String(at), 1_000 + at)
  const looks = new Set<number>()
  for (let at = 0; at < 1_200; at++) {
    vi.advanceTimersByTime(1)
    looks.add(expired.length)
  }
  expect(expired).toHaveLength(100)
  expect(looks.size).toBeLessThanOrEqual(12)
})

test.each([-3_600_000, 3_600_000])('a clock that is set by %i ms changes nothing', (byMs) => {
  const { expired, add } = watched()
  add('first', 10)
  add('last', 5_000)
  vi.advanceTimersByTime(10)
  vi.setSystemTime(Date.now() + byMs)
  add('after', 50)
  vi.advanceTimersByTime(50)
  expect(expired).toEqual(['first', 'after'])
})

test('a time far beyond what a timer can wait is not over at once', () => {
  const { expired, add } = watched()
  add('in thirty years', 30 * 365 * 86_400_000)
  vi.advanceTimersByTime(86_400_000)
  expect(expired).toEqual([])
})

test('a call that expires may begin another', () => {
  const { deadlines, expired, add } = watched()
  deadlines.add({ endsAt: performance.now() + 10, expire: () => void add('after it', 10) })
  vi.advanceTimersByTime(10)
  expect(expired).toEqual([])
  vi.advanceTimersByTime(10)
  expect(expired).toEqual(['after it'])
})

import { afterEach, expect, test, vi } from 'vitest'
import { TimeLimit } from './time-limit.ts'

const withinMs = 60
afterEach(() => void vi.useRealTimers())

test('each is told of at its own time, and none that is gone', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const late: string[] = []
  const limit = new TimeLimit<string>(withinMs, (value) => late.push(value))
  limit.delete(limit.add('gone'))
  limit.add('first')
  vi.advanceTimersByTime(withinMs / 2)
  limit.add('second')
  vi.advanceTimersByTime(withinMs / 2 - 1)
  expect(late).toEqual([])
  vi.advanceTimersByTime(1)
  expect(late).toEqual(['first'])
  vi.advanceTimersByTime(withinMs / 2 - 1)
  expect(late).toEqual(['first'])
  vi.advanceTimersByTime(1)
  expect(late).toEqual(['first', 'second'])
  // The watch goes on after a time without any.
  vi.advanceTimersByTime(10 * withinMs)
  limit.add('third')
  vi.advanceTimersByTime(withinMs)
  expect(late).toEqual(['first', 'second', 'third'])
})

test('what comes back when it is late has its time anew, and one timer watches all', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const late: string[] = []
  const limit = new TimeLimit<string>(withinMs, (value) => {
    late.push(value)
    if (late.length < 6) limit.add(value)
  })
  limit.add('a')
  limit.add('b')
  vi.advanceTimersByTime(withinMs)
  expect(late).toEqual(['a', 'b'])
  expect(vi.getTimerCount()).toBe(1)
  vi.advanceTimersByTime(withinMs)
  expect(late).toEqual(['a', 'b', 'a', 'b'])
  expect(vi.getTimerCount()).toBe(1)
  vi.advanceTimersByTime(2 * withinMs)
  expect(late).toHaveLength(7)
  expect(vi.getTimerCount()).toBe(0)
})

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

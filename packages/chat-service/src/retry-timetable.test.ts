import { expect, it } from 'vitest'
import { RetryTimetable } from './retry-timetable.ts'

const limits = { retryAfterMs: 50, retryAfterLongestMs: 1_000, retriesPerSecond: 100 }

it('spreads who was refused at once over the time after the shortest pause', () => {
  const timetable = new RetryTimetable(limits, () => 5_000)
  expect([1, 2, 3].map(() => timetable.next())).toEqual([50, 60, 70])
})

it('tells the shortest pause again when the places are over', () => {
  let now = 5_000
  const timetable = new RetryTimetable(limits, () => now)
  for (let refused = 0; refused < 10; refused++) timetable.next()
  now += 1_000
  expect(timetable.next()).toBe(50)
})

it('tells nobody to wait longer than the longest pause, however many come, and whatever the clock does', () => {
  let now = 5_000
  const timetable = new RetryTimetable(limits, () => now)
  for (let refused = 0; refused < 1_000; refused++) expect(timetable.next()).toBeLessThanOrEqual(1_000)
  now -= 4_000
  expect(timetable.next()).toBe(1_000)
})

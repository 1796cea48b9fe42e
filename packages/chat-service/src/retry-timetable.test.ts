import { expect, it } from 'vitest'
import { RetryTimetable } from './retry-timetable.ts'

const limits = { retryAfterMs: 50, retryAfterLongestMs: 1_000, retriesPerSecond: 100 }

it('spreads who was refused at once over the time after the shortest pause', () => {
  const timetable = new RetryTimetable(limits, () => 5_000)
  expect([1, 2, 3].map(() => timetable.next())).toEqual([50, 60, 71])
})

it('tells the shortest pause again when the places are over', () => {
  let now = 5_000
  const timetable = new RetryTimetable(limits, () => now)
  for (let refused = 0; refused < 10; refused++) timetable.next()
  now += 1_000
  expect(timetable.next()).toBe(50)
})

it('leaves more time between those who are to come later', () => {
  const timetable = new RetryTimetable({ ...limits, retryAfterLongestMs: 10_000 }, () => 5_000)
  const told = Array.from({ length: 200 }, () => timetable.next())
  const between = (from: number, to: number): number => told.filter((ms) => ms >= from && ms < to).length
  // ln 2, ln 3/2 and ln 4/3 of a hundred.
  expect([between(50, 1_050), between(1_050, 2_050), between(2_050, 3_050)]).toEqual([70, 41, 29])
})

it('tells nobody to wait longer than the longest pause, however many come, and whatever the clock does', () => {
  let now = 5_000
  const timetable = new RetryTimetable(limits, () => now)
  for (let refused = 0; refused < 1_000; refused++) expect(timetable.next()).toBeLessThanOrEqual(1_000)
  now -= 4_000
  expect(timetable.next()).toBe(1_000)
})

import { expect, onTestFinished, test, vi } from 'vitest'
import { Allowance } from './allowance.ts'

test('a thousand may come at once, then 33 a second, and never more than a thousand', () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  onTestFinished(() => void vi.useRealTimers())
  const allowance = new Allowance()
  const allowed = (): number => {
    let count = 0
    while (allowance.isLeft()) count++
    return count
  }
  expect(allowed()).toBe(1_000)
  vi.advanceTimersByTime(2_000)
  expect(allowed()).toBe(66)
  vi.advanceTimersByTime(3_600_000)
  expect(allowed()).toBe(1_000)
})

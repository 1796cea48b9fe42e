import { expect, it } from 'vitest'
import { WaitingInPlace } from './waiting-in-place.ts'

/** Of so many writes that each take so long, how many were waited for in place. */
function inPlaceOf(writes: number, waiting: WaitingInPlace, ms: number): number {
  let inPlace = 0
  for (let at = 0; at < writes; at++) {
    if (!waiting.decide(1_000, false)) continue
    inPlace++
    waiting.took(ms)
  }
  return inPlace
}

it('waits in place for a disk that is quick, also if a write takes longer now and then', () => {
  const waiting = new WaitingInPlace()
  for (let turn = 0; turn < 20; turn++) {
    expect(inPlaceOf(100, waiting, 0.3)).toBe(100)
    expect(inPlaceOf(2, waiting, 5)).toBe(2)
  }
})

it('waits in place for the first writes to a slow disk, and after them for one of 64', () => {
  const waiting = new WaitingInPlace()
  expect(inPlaceOf(4, waiting, 10)).toBe(4)
  expect(inPlaceOf(64, waiting, 10)).toBe(1)
  expect(inPlaceOf(6_400, waiting, 10)).toBe(100)
})

it('is wary after a stall for as long as it takes to see that it is over', () => {
  const waiting = new WaitingInPlace()
  inPlaceOf(100, waiting, 0.1)
  expect(inPlaceOf(1, waiting, 1_000)).toBe(1)
  expect(inPlaceOf(64 * 100, waiting, 0.1)).toBe(100)
  inPlaceOf(64 * 20, waiting, 0.1)
  expect(inPlaceOf(100, waiting, 0.1)).toBe(100)
})

it('waits elsewhere for a disk that becomes slow by and by', () => {
  const waiting = new WaitingInPlace()
  inPlaceOf(100, waiting, 0.1)
  expect(inPlaceOf(2_000, waiting, 1.1)).toBeLessThan(200)
})

it('waits elsewhere for much, and behind other work for the disk', () => {
  const waiting = new WaitingInPlace()
  expect(waiting.decide(16 * 1024, false)).toBe(true)
  expect(waiting.decide(16 * 1024 + 1, false)).toBe(false)
  expect(waiting.decide(1, true)).toBe(false)
  expect(waiting.decide(1, false)).toBe(true)
})

import { expect, it } from 'vitest'
import { WaitingInPlace } from './waiting-in-place.ts'

const bytes = 1_000

/** Of so many writes that each take so long, how many were waited for in place. */
function inPlaceOf(writes: number, waiting: WaitingInPlace, ms: number): number {
  let inPlace = 0
  for (let at = 0; at < writes; at++) {
    const isInPlace = waiting.decide(bytes)
    if (isInPlace) inPlace++
    waiting.took(ms, bytes, isInPlace)
  }
  return inPlace
}

/** On a disk that has shown that it is quick. */
function onQuickDisk(): WaitingInPlace {
  const waiting = new WaitingInPlace()
  inPlaceOf(200, waiting, 0.2)
  return waiting
}

it('waits elsewhere until a disk has shown that it is quick', () => {
  const waiting = new WaitingInPlace()
  expect(inPlaceOf(50, waiting, 0.2)).toBe(0)
  inPlaceOf(50, waiting, 0.2)
  expect(inPlaceOf(100, waiting, 0.2)).toBe(100)
})

it('waits in place for a quick disk, also if a write takes longer now and then', () => {
  const waiting = onQuickDisk()
  for (let turn = 0; turn < 20; turn++) {
    expect(inPlaceOf(100, waiting, 0.3)).toBe(100)
    expect(inPlaceOf(2, waiting, 5)).toBe(2)
  }
})

it('never waits in place for a slow disk', () => {
  expect(inPlaceOf(10_000, new WaitingInPlace(), 8)).toBe(0)
})

it('is held up by a stall once in thousands of writes, however often the disk stalls', () => {
  const waiting = onQuickDisk()
  let heldUp = 0
  for (let turn = 0; turn < 100; turn++) {
    heldUp += inPlaceOf(1, waiting, 1_000)
    inPlaceOf(199, waiting, 0.2)
  }
  expect(heldUp).toBe(5)
})

it('waits elsewhere for a disk that becomes slow by and by', () => {
  const waiting = onQuickDisk()
  expect(inPlaceOf(2_000, waiting, 0.9)).toBeLessThan(60)
  expect(inPlaceOf(2_000, waiting, 0.9)).toBe(0)
})

it('waits elsewhere for much, which says nothing of the disk', () => {
  const waiting = onQuickDisk()
  expect(waiting.decide(16 * 1024)).toBe(true)
  expect(waiting.decide(16 * 1024 + 1)).toBe(false)
  for (let at = 0; at < 100; at++) waiting.took(50, 16 * 1024 + 1, false)
  expect(waiting.decide(bytes)).toBe(true)
})

it('waits elsewhere behind other work for the disk, be it done or fail', async () => {
  const waiting = onQuickDisk()
  let finish: (result: number) => void = () => undefined
  let fail: (error: Error) => void = () => undefined
  const done = waiting.behind(new Promise<number>((resolve) => (finish = resolve)))
  const failed = waiting.behind(new Promise<never>((_, reject) => (fail = reject)))
  expect(waiting.decide(bytes)).toBe(false)
  finish(7)
  expect(await done).toBe(7)
  expect(waiting.decide(bytes)).toBe(false)
  fail(new Error('no'))
  await expect(failed).rejects.toThrow('no')
  expect(waiting.decide(bytes)).toBe(true)
})

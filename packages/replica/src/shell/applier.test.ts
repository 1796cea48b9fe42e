import { type Entry, MemoryDisk } from '@chatroom/replication-log'
import { expect, test } from 'vitest'
import type { StateMachine } from '../ports/state-machine.ts'
import { VirtualClock } from '../testing/index.ts'
import { Applier } from './applier.ts'

const never = (): never => {
  throw new Error('not asked for')
}

const machine: StateMachine<Uint8Array, string> = {
  version: 1,
  encode: (command) => command,
  decode: (payload) => payload,
  apply: () => 'done',
  snapshot: never,
  restore: never,
  hash: never,
}

/** An applier of entries that are all there, and what it said it has applied. */
function applying(): { applier: Applier<Uint8Array, string>; clock: VirtualClock; steps: number[] } {
  const clock = new VirtualClock()
  const steps: number[] = []
  const entryAt = (index: number): Entry => ({
    index,
    term: 1,
    time: 0,
    kind: 'command',
    payload: Buffer.of(1),
  })
  let last = 0
  const applier = new Applier(machine, new MemoryDisk().open(0), clock, () => ({ entryAt }), 0, {
    replied: ({ index }) => {
      expect(index).toBe(last + 1)
      last = index
    },
    applied: (index) => steps.push(index),
    failed: (error) => {
      throw error
    },
  })
  return { applier, clock, steps }
}

test('what nobody waits for is applied with others: when there are many, after the work at hand', () => {
  const { applier, clock, steps } = applying()
  for (let index = 1; index <= 40; index++) applier.applyWithOthers(index)
  expect(steps).toEqual([])
  clock.advance(0)
  expect(steps).toEqual([40])
  applier.applyWithOthers(71)
  clock.advance(0)
  expect(steps).toEqual([40])
  applier.applyWithOthers(72)
  clock.advance(0)
  expect(steps).toEqual([40, 72])
})

test('or when it is time, with nothing left to do for the next time', () => {
  const { applier, steps } = applying()
  applier.applyWithOthers(3)
  applier.applyWithOthers(5)
  applier.applyGathered()
  applier.applyGathered()
  expect(steps).toEqual([5])
})

test('what somebody waits for takes along what was left', () => {
  const { applier, clock, steps } = applying()
  applier.applyWithOthers(3)
  applier.applyUpTo(4)
  expect(steps).toEqual([4])
  applier.applyWithOthers(50)
  applier.applyUpTo(51)
  clock.advance(0)
  expect(applier.applied).toBe(51)
})

test('a snapshot that takes the place of the state, and of what was left', () => {
  const { applier, steps } = applying()
  applier.applyWithOthers(3)
  applier.hold()
  applier.applyGathered()
  expect(steps).toEqual([])
})

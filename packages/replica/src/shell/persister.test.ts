import { type FlushOutcome, MemoryDisk } from '@chatroom/replication-log'
import { describe, expect, test } from 'vitest'
import type { Effect } from '../core/effects.ts'
import { VirtualClock } from '../testing/index.ts'
import { Persister } from './persister.ts'

type Persist = Extract<Effect, { type: 'persist' }>

function entry(index: number): Persist {
  const entries = [{ index, term: 1, time: 0, kind: 'command' as const, payload: new Uint8Array(8) }]
  return { type: 'persist', persist: index, hardState: null, truncateFrom: null, entries }
}

/** A persister whose disk writes when the test says so, and what happened, in order. */
async function persisting(): Promise<{
  readonly persister: Persister
  readonly clock: VirtualClock
  readonly happened: string[]
  readonly writes: () => number
  readonly settled: () => Promise<void>
  /** The disk is done with what it was given first. */
  readonly written: (outcome?: FlushOutcome) => Promise<void>
}> {
  const waiting: ((outcome?: FlushOutcome) => void)[] = []
  let given = 0
  const disk = new MemoryDisk({
    complete: (_, done) => {
      given++
      waiting.push(done)
    },
  })
  const storage = disk.open(0)
  await storage.open({ tailBytes: 0 })
  const clock = new VirtualClock()
  const happened: string[] = []
  const persister = new Persister(storage, clock, {
    persisted: (persist) => happened.push(`persisted ${persist}`),
    full: (full) => happened.push(full ? 'full' : 'room again'),
    failed: (error) => {
      throw error
    },
  })
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  return {
    persister,
    clock,
    happened,
    writes: () => given,
    settled,
    async written(outcome) {
      await settled()
      waiting.shift()?.(outcome)
      await settled()
    },
  }
}

describe('what waits for the write under way', () => {
  test('comes after it, and is the last of what was asked for', async () => {
    const { persister, happened, written } = await persisting()
    persister.persist(entry(1))
    persister.afterWrite(() => happened.push('apply 1'))
    persister.afterWrite(() => happened.push('apply 2'))
    expect(happened).toEqual([])
    await written()
    expect(happened).toEqual(['persisted 1', 'apply 2'])
    persister.persist(entry(2))
    await written()
    expect(happened).toEqual(['persisted 1', 'apply 2', 'persisted 2'])
  })

  test('comes at once when nothing is written', async () => {
    const { persister, happened } = await persisting()
    persister.afterWrite(() => happened.push('apply 1'))
    expect(happened).toEqual(['apply 1'])
  })

  test('does not wait for a disk that is full to have room again', async () => {
    const { persister, happened, written } = await persisting()
    persister.persist(entry(1))
    persister.afterWrite(() => happened.push('apply 1'))
    await written('full')
    expect(happened).toEqual(['full', 'apply 1'])
    persister.afterWrite(() => happened.push('apply 2'))
    expect(happened).toEqual(['full', 'apply 1', 'apply 2'])
  })
})

test('what is to be persisted after the work at hand is written after it, with what came before that, in order', async () => {
  const { persister, clock, happened, writes, settled, written } = await persisting()
  persister.persistSoon(entry(1))
  persister.persistSoon(entry(2))
  await settled()
  expect(writes()).toBe(0)
  clock.advance(0)
  await written()
  expect(writes()).toBe(1)
  expect(happened).toEqual(['persisted 2'])
})

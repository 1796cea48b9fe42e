import { describe, expect, test } from 'vitest'
import type { ReplicaObserver } from '../ports/observer.ts'
import { CommitWatch } from './commit-watch.ts'

function watched(): { watch: CommitWatch; seen: string[] } {
  const seen: string[] = []
  const observer: ReplicaObserver = {
    persisted: () => undefined,
    committed: (ms, commands) => seen.push(`${commands} committed after ${ms}`),
    proposalsFailed: () => undefined,
    roundTrip: () => undefined,
    waitedFor: (member, ms) => seen.push(`waited ${ms} for ${member}`),
    snapshotTaken: () => undefined,
    snapshotRestored: () => undefined,
  }
  return { watch: new CommitWatch(observer), seen }
}

const everybody = [0, 1, 2]

describe('whom commits wait for', () => {
  test('the member that had the entries last, and since when all others had them', () => {
    const { watch, seen } = watched()
    watch.entered(7, 3, 100)
    watch.held(0, 7, 102)
    watch.held(1, 7, 105)
    watch.committed(7, everybody, 155)
    expect(seen).toEqual(['3 committed after 55', 'waited 50 for 2'])
    expect(watch.slowestOf(everybody, 200)).toEqual({ id: 2, delayMs: 50 })
    // It has left the view; it has answered, and nothing came after that; the others have left.
    expect(watch.slowestOf([0, 1], 200)).toBeNull()
    expect(watch.slowestOf(everybody, 60_000)).toBeNull()
    expect(watch.slowestOf([2], 200)).toBeNull()
  })

  test('the average goes to where the delay is, and away from where it is no more', () => {
    const { watch } = watched()
    const commit = (index: number, last: number, ms: number): void => {
      const now = index * 1_000
      watch.entered(index, 1, now)
      for (const member of everybody) if (member !== last) watch.held(member, index, now + 1)
      watch.committed(index, everybody, now + 1 + ms)
    }
    for (let index = 1; index <= 100; index++) commit(index, 2, 40)
    expect(watch.slowestOf(everybody, 100_050)?.id).toBe(2)
    expect(watch.slowestOf(everybody, 100_050)?.delayMs).toBeCloseTo(40, 0)
    for (let index = 101; index <= 200; index++) commit(index, 0, 10)
    expect(watch.slowestOf(everybody, 200_050)?.id).toBe(0)
    expect(watch.slowestOf(everybody, 200_050)?.delayMs).toBeCloseTo(10, 0)
  })

  test('an acknowledgement can cover several batches, and a commit too', () => {
    const { watch, seen } = watched()
    watch.entered(1, 1, 0)
    watch.entered(4, 3, 10)
    watch.held(1, 4, 20)
    watch.held(0, 4, 30)
    watch.committed(4, everybody, 35)
    expect(seen).toEqual(['1 committed after 35', 'waited 5 for 2', '3 committed after 25', 'waited 5 for 2'])
  })

  test('a commit that became possible because somebody left the view is nobody`s delay', () => {
    const { watch, seen } = watched()
    watch.entered(1, 1, 0)
    watch.held(0, 1, 1)
    watch.held(1, 1, 2)
    watch.committed(1, [0, 1], 900)
    expect(seen).toEqual(['1 committed after 900'])
    expect(watch.slowestOf(everybody, 1_000)).toBeNull()
  })

  test('alone, and in a mode where no member has to be waited for, nobody is named', () => {
    const { watch, seen } = watched()
    watch.entered(1, 1, 0)
    watch.committed(1, [0], 5)
    watch.entered(2, 1, 10)
    watch.held(0, 2, 11)
    watch.committed(2, null, 12)
    expect(seen).toEqual(['1 committed after 5', '1 committed after 2'])
    expect(watch.slowestOf(everybody, 1_000)).toBeNull()
  })

  test('a former leader names nobody', () => {
    const { watch, seen } = watched()
    watch.entered(1, 1, 0)
    watch.held(0, 1, 1)
    watch.held(1, 1, 1)
    watch.committed(1, everybody, 9)
    watch.entered(2, 1, 10)
    watch.forget()
    watch.committed(2, everybody, 20)
    expect(seen).toHaveLength(2)
    expect(watch.slowestOf(everybody, 1_000)).toBeNull()
  })
})

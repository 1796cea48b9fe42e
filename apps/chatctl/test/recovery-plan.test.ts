import { describe, expect, test } from 'vitest'
import { planRecovery, type Survivor } from '../src/recovery-plan.ts'

function survivor(id: number, members: readonly number[], view: number, last: number): Survivor {
  const placed = { index: view, term: 1, members: members.map((member) => ({ id: member })) }
  return {
    id,
    named: [0, 1, 2],
    view: placed,
    last: { index: last, term: 1 },
    lastTime: 5,
    isOfFailStop: true,
  }
}

describe('recovery', () => {
  test('goes on with the longest log, and puts the others aside', () => {
    const survivors = [survivor(0, [0, 1, 2], 1, 7), survivor(1, [0, 1, 2], 1, 9)]
    expect(planRecovery(survivors, [2])).toEqual({ type: 'recover', base: 1, aside: [0], lost: [2] })
  })

  test('a longer log of an older term is not longer', () => {
    const newer = { ...survivor(0, [0, 1, 2], 1, 7), last: { index: 7, term: 2 } }
    expect(planRecovery([newer, survivor(1, [0, 1, 2], 1, 9)], [2])).toMatchObject({ base: 0 })
  })

  test.each([
    ['without any data', [], [2], /nothing can be recovered/],
    [
      'while another is missing',
      [survivor(0, [0, 1, 2], 1, 7)],
      [2],
      /counts on replica 1, too.*--without 1,2\.$/,
    ],
  ])('is refused %s', (_, survivors, without, why) => {
    const plan = planRecovery(survivors, without)
    expect(plan.type).toBe('refuse')
    expect('why' in plan ? plan.why : '').toMatch(why)
  })

  test('is not needed where nobody waits for the lost ones', () => {
    const newer = survivor(0, [0, 1], 3, 9)
    expect(planRecovery([newer, survivor(1, [0, 1, 2], 1, 7)], [2])).toEqual({
      type: 'unneeded',
      why: 'Nobody waits for replica 2: the newest view counts on replica 0, 1. Start the replicas.',
    })
  })

  test('is refused for a replica that nobody knows', () => {
    expect(planRecovery([survivor(0, [0, 1], 3, 9)], [5])).toEqual({
      type: 'refuse',
      why: 'The data here knows of no replica 5: the newest view counts on replica 0, 1. Give the ids of those whose disks are gone.',
    })
  })

  test('is refused in majority mode', () => {
    const voter = { ...survivor(0, [0, 1, 2], 1, 7), isOfFailStop: false }
    expect(planRecovery([voter], [1, 2])).toMatchObject({ type: 'refuse' })
  })
})

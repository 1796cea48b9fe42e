import { describe, expect, test } from 'vitest'
import { checksText, isReady, type Readable, readiness } from '../../src/observation/readiness.ts'

const follower: Readable = {
  leader: 1,
  role: 'follower',
  serving: false,
  viewInForce: true,
  admitted: true,
  waiting: [],
}

function verdict(change: Partial<Readable>, rest: { stopping?: boolean; diskFull?: boolean } = {}): string[] {
  const checks = readiness({ status: { ...follower, ...change }, stopping: false, diskFull: false, ...rest })
  return checks.flatMap(({ name, fault }) => (fault === null ? [] : [`${name}: ${fault}`]))
}

describe('a replica is ready', () => {
  test('if it counts and knows who leads, whether it follows or leads', () => {
    expect(verdict({})).toEqual([])
    expect(verdict({ role: 'leader', serving: true })).toEqual([])
  })

  const words = 'all replicas stopped; the last view counts on replica 2'
  const waiting = [{ for: 'votes', replicas: [2], words, sinceMs: 5 }] as const

  test.each([
    ['it was asked to stop', {}, { stopping: true }, ['running: it was asked to stop']],
    ['nobody leads', { leader: null, waiting }, {}, [`leader: ${words}`]],
    ['it leads and may not serve yet', { role: 'leader' }, {}, ['leader: it leads and may not serve yet']],
    ['it catches up', { role: 'learner' }, {}, ['member: it is being brought up to date']],
    ['it is not admitted', { admitted: false, waiting }, {}, [`member: ${words}`]],
    ['its view is not in force', { viewInForce: false }, {}, ['member: its view is not in force yet']],
    [
      'its disk is full',
      {},
      { diskFull: true },
      ['disk: the disk is full: writes are refused until there is room'],
    ],
  ] as const)('not if %s, and it says so', (_, change, rest, faults) => {
    expect(verdict(change, rest)).toEqual(faults)
  })

  test('not before it runs', () => {
    expect(isReady(readiness({ status: null, stopping: false, diskFull: false }))).toBe(false)
  })
})

test('the answer names each check', () => {
  const checks = [
    { name: 'running', fault: null },
    { name: 'leader', fault: 'nobody leads' },
  ]
  expect(checksText('readyz', checks)).toBe(
    '[+]running ok\n[-]leader failed: nobody leads\nreadyz check failed\n',
  )
})

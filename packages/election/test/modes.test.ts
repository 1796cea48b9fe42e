import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  failStop,
  type Leadership,
  type Member,
  type Mode,
  majority,
  quorumSize,
  type View,
} from '../src/index.ts'

const member = (id: number, incarnation = 1): Member => ({ id, disk: `disk${id}`, incarnation })

function viewOf(count: number): View {
  return { members: Array.from({ length: count }, (_, id) => member(id)), learners: [], clusterId: 'c' }
}

const first = (count: number) => (m: Member) => m.id < count
const nobody = (): boolean => false

/** Members, how many of them hold it (the first ones), and what each mode commits, with index 7 held by those and 3 by the others. */
const commitTable = `
members | held 0 1 2 3 4 5 6 7 (fail-stop / majority)
1       | 3/3 7/7
2       | 3/3 3/3 7/7
3       | 3/3 3/3 3/7 7/7
4       | 3/3 3/3 3/3 3/7 7/7
5       | 3/3 3/3 3/3 3/7 3/7 7/7
6       | 3/3 3/3 3/3 3/3 3/7 3/7 7/7
7       | 3/3 3/3 3/3 3/3 3/7 3/7 3/7 7/7
`

/** Whether the first members' votes elect: y or n, fail-stop / majority; nobody is dead. */
const voteTable = `
members | votes 0 1 2 3 4 5 6 7
1       | n/n y/y
2       | n/n n/n y/y
3       | n/n n/n n/y y/y
4       | n/n n/n n/n n/y y/y
5       | n/n n/n n/n n/y n/y y/y
6       | n/n n/n n/n n/n n/y n/y y/y
7       | n/n n/n n/n n/n n/y n/y n/y y/y
`

/** Whether the only survivor's vote elects in fail-stop, and how many crashes are tolerated with so many members up (fail-stop / majority). */
const crashTable = `
members | up 1 2 3 4 5 6 7
1       | 0/0
2       | 0/0 1/0
3       | 0/0 1/0 2/1
4       | 0/0 1/0 2/0 3/1
5       | 0/0 1/0 2/0 3/1 4/2
6       | 0/0 1/0 2/0 3/0 4/1 5/2
7       | 0/0 1/0 2/0 3/0 4/1 5/2 6/3
`

function rows(table: string): { count: number; cells: string[] }[] {
  return table
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [count = '', cells = ''] = line.split('|')
      return { count: Number(count), cells: cells.trim().split(/\s+/) }
    })
}

describe.each(rows(commitTable))('$count members', ({ count, cells }) => {
  it.each(cells.map((cell, held) => ({ cell, held })))('commit with $held disks: $cell', ({ cell, held }) => {
    const durable = (m: Member): number => (m.id < held ? 7 : 3)
    const view = viewOf(count)
    expect(`${failStop.commitIndex(view, durable)}/${majority.commitIndex(view, durable)}`).toBe(cell)
  })
})

describe.each(rows(voteTable))('$count members', ({ count, cells }) => {
  it.each(cells.map((cell, votes) => ({ cell, votes })))('with $votes votes: $cell', ({ cell, votes }) => {
    const view = viewOf(count)
    const say = (yes: boolean): string => (yes ? 'y' : 'n')
    const fail = failStop.elected(view, first(votes), nobody)
    const major = majority.elected(view, first(votes), nobody)
    expect(`${say(fail)}/${say(major)}`).toBe(cell)
    expect(failStop.confirms(view, first(votes), nobody)).toBe(fail)
    expect(majority.confirms(view, first(votes), nobody)).toBe(major)
  })

  it('fail-stop needs no vote of the dead, majority counts them all', () => {
    const view = viewOf(count)
    const dead = (m: Member): boolean => m.id !== 0
    expect(failStop.elected(view, first(1), dead)).toBe(true)
    expect(majority.elected(view, first(1), dead)).toBe(count === 1)
  })
})

describe.each(rows(crashTable))('$count members', ({ count, cells }) => {
  it.each(cells.map((cell, at) => ({ cell, up: at + 1 })))('$up up: $cell more may crash', ({ cell, up }) => {
    const view = viewOf(count)
    expect(`${failStop.crashesTolerated(view, up, up)}/${majority.crashesTolerated(view, up, up)}`).toBe(cell)
  })
})

describe('majority, members on any disk', () => {
  const open = (count: number, ...pinned: number[]): View => ({
    ...viewOf(count),
    members: viewOf(count).members.map((m) => (pinned.includes(m.id) ? m : { ...m, disk: '' })),
  })
  const these =
    (...ids: number[]) =>
    (m: Member) =>
      ids.includes(m.id)

  it('count until enough are pinned to their disks, and not from then on', () => {
    expect(majority.elected(open(3), these(1, 2), nobody)).toBe(true)
    expect(majority.elected(open(3, 1), these(1, 2), nobody)).toBe(true)
    expect(majority.elected(open(3, 0, 1), these(1, 2), nobody)).toBe(false)
    expect(majority.elected(open(3, 0, 1), these(0, 1), nobody)).toBe(true)
    expect(majority.elected(open(5, 0, 1), these(2, 3, 4), nobody)).toBe(true)
    expect(majority.elected(open(5, 0, 1, 2), these(2, 3, 4), nobody)).toBe(false)
  })

  it('the same for what is committed, who answers and who may stand', () => {
    const view = open(3, 0, 1)
    const durable = (m: Member): number => (m.id === 0 ? 3 : 7)
    expect(majority.commitIndex(view, durable)).toBe(3)
    expect(majority.commitIndex(open(3, 1), durable)).toBe(7)
    expect(majority.confirms(view, these(1, 2), nobody)).toBe(false)
    const candidacy = { self: member(2), admitted: true, view, hasLeader: false }
    expect(majority.mayStand(candidacy)).toEqual({ yes: false, why: 'not in the view' })
    expect(majority.mayStand({ ...candidacy, view: open(3, 1) }).yes).toBe(true)
  })

  it('are no reserve: while one is left nobody else may crash', () => {
    const tolerated = (view: View): number => majority.crashesTolerated(view, view.members.length, 0)
    expect([open(3), open(3, 0, 1), open(3, 0, 1, 2)].map(tolerated)).toEqual([1, 0, 1])
    expect([open(5, 0, 1, 2), open(5, 0, 1, 2, 3)].map(tolerated)).toEqual([0, 1])
  })

  it('are pinned by the first leader if they elected it, and by nobody at once after that', () => {
    const founding = { ...open(3), clusterId: '' }
    const opening = majority.openingView(founding, nobody, [member(0), member(2)])
    expect(opening?.members.map((m) => m.disk)).toEqual(['disk0', '', 'disk2'])
    expect(majority.openingView(open(3), nobody, [member(0), member(2)])).toBeNull()
  })
})

describe('who may stand', () => {
  const base = { self: member(0), admitted: true, view: viewOf(3), hasLeader: false }
  it.each([
    ['fail-stop, admitted, no leader', failStop, base, 'yes'],
    ['fail-stop, not admitted', failStop, { ...base, admitted: false }, 'is not admitted'],
    ['fail-stop, has a leader', failStop, { ...base, hasLeader: true }, 'has a leader'],
    ['majority, a member, no leader', majority, base, 'yes'],
    ['majority, has a leader', majority, { ...base, hasLeader: true }, 'has a leader'],
    [
      'majority, with another disk',
      majority,
      { ...base, self: { ...member(0), disk: 'new' } },
      'not in the view',
    ],
    ['majority, no member', majority, { ...base, self: member(9) }, 'not in the view'],
  ] as const)('%s', (_, mode, candidacy, expected) => {
    const verdict = mode.mayStand(candidacy)
    expect(verdict.yes ? 'yes' : verdict.why).toBe(expected)
  })
})

describe('what a leader does to the view', () => {
  const view = { ...viewOf(3), index: 1, term: 1 }
  const base: Leadership = {
    self: member(0),
    admitted: true,
    view,
    inForce: true,
    isDead: nobody,
    caughtUp: [],
  }
  const ids = (step: ReturnType<typeof failStop.viewStep>): string =>
    step.type === 'change' ? step.view.members.map((m) => `${m.id}.${m.incarnation}`).join(' ') : step.type
  const dead =
    (...gone: number[]) =>
    (m: Member) =>
      gone.includes(m.id) && m.incarnation === 1
  const back = member(2, 2)
  const small = { ...view, members: [member(0), member(1)] }

  it.each([
    ['nothing to do', base, 'stay'],
    ['a member died', { ...base, isDead: dead(2) }, '0.1 1.1'],
    ['both others died', { ...base, isDead: dead(1, 2) }, '0.1'],
    ['a member died before the view is in force', { ...base, inForce: false, isDead: dead(2) }, '0.1 1.1'],
    ['a member died, the leader is not admitted', { ...base, admitted: false, isDead: dead(2) }, 'give up'],
    [
      'a returnee caught up, its old run is still named',
      { ...base, isDead: dead(2), caughtUp: [back] },
      '0.1 1.1',
    ],
    ['a returnee caught up', { ...base, view: small, caughtUp: [back] }, '0.1 1.1 2.2'],
    ['two caught up: one at a time', { ...base, view: small, caughtUp: [back, member(3)] }, '0.1 1.1 2.2'],
    [
      'a returnee caught up, the view is not in force',
      { ...base, view: small, inForce: false, caughtUp: [back] },
      'stay',
    ],
  ] as const)('fail-stop, %s', (_, leadership, expected) => {
    expect(ids(failStop.viewStep(leadership))).toBe(expected)
  })

  it('majority: members are pinned to the disks they were first seen with, and nothing else is done unasked', () => {
    const unpinned = { ...view, members: view.members.map((m) => (m.id === 2 ? { ...m, disk: '' } : m)) }
    const step = majority.viewStep({ ...base, view: unpinned, caughtUp: [member(2)] })
    expect(step.type === 'change' && step.view.members.map((m) => m.disk)).toEqual([
      'disk0',
      'disk1',
      'disk2',
    ])
    expect(majority.viewStep({ ...base, isDead: dead(1, 2) })).toEqual({ type: 'stay' })
    expect(majority.viewStep({ ...base, view: unpinned, inForce: false, caughtUp: [member(2)] })).toEqual({
      type: 'stay',
    })
    const leftOut = { ...base, self: member(9) }
    expect(ids(majority.viewStep(leftOut))).toBe('give up')
    expect(ids(majority.viewStep({ ...leftOut, inForce: false }))).toBe('stay')
  })

  it('fail-stop begins with a view of those alive, majority with the view as it is', () => {
    expect(failStop.openingView(view, dead(1), [member(0)])?.members.map((m) => m.id)).toEqual([0, 2])
    expect(majority.openingView(view, dead(1), [member(0), member(2)])).toBeNull()
  })
})

describe('quorums', () => {
  it('any two majorities share a member; any two elections of fail-stop share every living one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 7 }), fc.nat(127), fc.nat(127), (count, a, b) => {
        const view = viewOf(count)
        const has = (bits: number) => (m: Member) => (bits & (1 << m.id)) !== 0
        const [one, two] = [has(a), has(b)]
        const both = (mode: Mode): boolean =>
          mode.elected(view, one, nobody) && mode.elected(view, two, nobody)
        const shared = view.members.filter((m) => one(m) && two(m)).length
        expect(!both(majority) || shared > 0).toBe(true)
        expect(!both(failStop) || shared === count).toBe(true)
      }),
    )
  })

  it('what is committed is held by every later majority, or by every member', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { minLength: 1, maxLength: 7 }), (held) => {
        const view = viewOf(held.length)
        const durable = (m: Member): number => held[m.id] ?? 0
        const committed = majority.commitIndex(view, durable)
        expect(held.filter((index) => index >= committed).length).toBeGreaterThanOrEqual(
          quorumSize(held.length),
        )
        expect(held.filter((index) => index > committed).length).toBeLessThan(quorumSize(held.length))
        expect(failStop.commitIndex(view, durable)).toBe(Math.min(...held))
      }),
    )
  })
})

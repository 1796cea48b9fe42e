import { describe, expect, it } from 'vitest'
import {
  bootstrapView,
  compareViews,
  decodeView,
  encodeView,
  type Member,
  planRecovery,
  type Returnee,
} from '../src/index.ts'

const member = (id: number, incarnation = 2): Member => ({ id, disk: `disk${id}`, incarnation })

/** A returnee that knows a view of these members, placed at a term, and whose log ends there or later. */
function back(
  id: number,
  viewTerm: number,
  members: readonly number[],
  last = { index: 10, term: viewTerm },
): Returnee {
  const view = {
    members: members.map((m) => member(m, 1)),
    learners: [],
    clusterId: 'c',
    index: viewTerm * 10,
    term: viewTerm,
  }
  return { member: member(id), view, last }
}

describe('a plan for recovery (rule 6)', () => {
  it('waits for every member of the newest view, whoever else is back', () => {
    const plan = planRecovery([back(0, 1, [0, 1, 2]), back(1, 2, [1, 2])])
    expect(plan).toEqual({ type: 'wait', missing: [2], replaced: [] })
  })

  it('does not wait for a member that a newer view dropped', () => {
    const plan = planRecovery([back(1, 2, [1, 2]), back(2, 2, [1, 2])])
    expect(plan).toMatchObject({ type: 'lead', leader: 1, members: [member(1), member(2)] })
  })

  it('lets the most up-to-date log among the members lead, and the lowest id among equals', () => {
    const far = { index: 12, term: 2 }
    expect(planRecovery([back(0, 2, [0, 1]), back(1, 2, [0, 1], far)])).toMatchObject({ leader: 1 })
    expect(planRecovery([back(1, 2, [0, 1], far), back(0, 2, [0, 1], far)])).toMatchObject({ leader: 0 })
    const newer = { index: 3, term: 3 }
    expect(planRecovery([back(0, 2, [0, 1], newer), back(1, 2, [0, 1], far)])).toMatchObject({ leader: 0 })
  })

  it('never lets a longer log of one that the newest view does not name lead', () => {
    const long = { index: 99, term: 9 }
    const plan = planRecovery([back(0, 1, [0, 1, 2], long), back(1, 2, [1]), back(2, 1, [0, 1, 2])])
    expect(plan).toMatchObject({ type: 'lead', leader: 1, members: [member(1)] })
  })

  it('does not take a replaced disk for the old one', () => {
    const replaced: Returnee = { ...back(1, 0, [0, 1]), member: { id: 1, disk: 'new', incarnation: 1 } }
    expect(planRecovery([back(0, 2, [0, 1]), replaced])).toEqual({ type: 'wait', missing: [], replaced: [1] })
  })

  it('begins a new cluster when all its members are there, on whatever disks', () => {
    const fresh = (id: number): Returnee => ({
      member: member(id, 1),
      view: { ...bootstrapView([2, 0, 1]), index: 0, term: 0 },
      last: { index: 0, term: 0 },
    })
    expect(planRecovery([fresh(0), fresh(1)])).toEqual({ type: 'wait', missing: [2], replaced: [] })
    expect(planRecovery([fresh(2), fresh(1), fresh(0)])).toMatchObject({ type: 'lead', leader: 0 })
  })
})

describe('views', () => {
  it('are ordered by term, then by index', () => {
    expect(compareViews({ term: 2, index: 1 }, { term: 1, index: 9 })).toBeGreaterThan(0)
    expect(compareViews({ term: 2, index: 1 }, { term: 2, index: 9 })).toBeLessThan(0)
    expect(compareViews({ term: 2, index: 9 }, { term: 2, index: 9 })).toBe(0)
  })

  it('become bytes and views again', () => {
    const view = { members: [member(0), member(2)], learners: [member(3, 0)], clusterId: 'naïve' }
    expect(decodeView(encodeView(view))).toEqual(view)
  })

  it.each([
    ['no JSON', '{', 'JSON'],
    ['no object', '7', 'not an object'],
    ['no members', '{"c":"x","m":[],"l":[]}', 'no members'],
    ['members are no list', '{"c":"x","m":7,"l":[]}', 'not a list'],
    ['a member is no list', '{"c":"x","m":[7],"l":[]}', 'not a list'],
    ['a member without a disk', '{"c":"x","m":[[1,2,3]],"l":[]}', 'no id or disk'],
    ['a member without an incarnation', '{"c":"x","m":[[1,"d","x"]],"l":[]}', 'no incarnation'],
    ['no cluster', '{"m":[[1,"d",1]],"l":[]}', 'not an object'],
  ])('are refused: %s', (_, text, words) => {
    expect(() => decodeView(new TextEncoder().encode(text))).toThrow(words)
  })
})

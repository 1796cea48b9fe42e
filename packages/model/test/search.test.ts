import { describe, expect, it } from 'vitest'
import { beginsWith, commonLength, compareLogs, LogTable, prefix, termAt } from '../src/log.ts'
import { type System, search } from '../src/search.ts'
import { fingerprint, Seen } from '../src/seen.ts'
import { inverse, permutationsOf, subsetsOf } from '../src/symmetry.ts'
import { shortened, walk } from '../src/walk.ts'

/** Numbers that grow by 1 or double; 13 is bad. */
const counter: System<number, '+1' | '*2'> = {
  start: 1,
  choices: () => ['+1', '*2'],
  apply: (state, action) => (state >= 20 ? null : action === '+1' ? state + 1 : state * 2),
  fingerprint: (state) => state,
  broken: (state) => (state === 13 ? 'thirteen' : null),
}

describe('search', () => {
  it('finds the shortest way to what is broken, and retraces it', () => {
    const outcome = search(counter, { limit: 1_000 })
    expect(outcome).toMatchObject({ type: 'broken', what: 'thirteen' })
    expect(outcome.type === 'broken' && outcome.trace.map(({ action }) => action)).toEqual([
      '+1',
      '+1',
      '*2',
      '*2',
      '+1',
    ])
    expect(outcome.type === 'broken' && outcome.trace.map(({ state }) => state)).toEqual([2, 3, 6, 12, 13])
  })

  it('visits every state once, and says so', () => {
    const harmless = { ...counter, broken: () => null }
    const visited: number[] = []
    const inspect = (state: number): null => {
      visited.push(state)
      return null
    }
    // 2 to 20, and what doubles from 11 to 19.
    const reached = new Set(
      [...Array(19).keys()].map((at) => at + 2).concat([22, 24, 26, 28, 30, 32, 34, 36, 38]),
    )
    expect(search(harmless, { limit: 1_000, inspect })).toEqual({
      type: 'exhausted',
      states: reached.size + 1,
      depth: 8,
    })
    expect(new Set(visited)).toEqual(reached)
    expect(visited).toHaveLength(reached.size)
  })

  it('ends at its limit', () => {
    expect(search({ ...counter, broken: () => null }, { limit: 5 })).toMatchObject({
      type: 'limit',
      states: 5,
    })
  })

  it('reports what an inspection finds', () => {
    const inspect = (state: number): string | null => (state === 4 ? 'four' : null)
    expect(search(counter, { limit: 1_000, inspect })).toMatchObject({ type: 'broken', what: 'four' })
  })
})

describe('walk', () => {
  const options = { seed: 1, walks: 500, steps: 12, weight: () => 1 }

  it('walks the same ways from the same seed, and finds what is broken', () => {
    const outcome = walk(counter, options)
    expect(outcome).toMatchObject({ type: 'broken', what: 'thirteen' })
    expect(walk(counter, options)).toEqual(outcome)
  })

  it('leaves out of a trace what is not needed', () => {
    const rises: System<number, 'up' | 'idle'> = {
      start: 0,
      choices: () => ['up', 'idle'],
      apply: (state, action) => (action === 'up' ? state + 1 : state),
      fingerprint: (state) => state + 1,
      broken: (state) => (state === 3 ? 'three' : null),
    }
    const outcome = walk(rises, options)
    if (outcome.type !== 'broken') throw new Error('nothing was found')
    expect(shortened(rises, outcome.trace, (state) => state === 3).map(({ action }) => action)).toEqual([
      'up',
      'up',
      'up',
    ])
  })

  it('says when it found nothing', () => {
    const outcome = walk({ ...counter, broken: () => null }, { ...options, walks: 3 })
    expect(outcome).toMatchObject({ type: 'nothing', walks: 3 })
  })
})

describe('seen', () => {
  it('remembers what was added while it grows', () => {
    const seen = new Seen()
    for (let number = 1; number < 20_000; number++) expect(seen.add(number * 4_096)).toBe(true)
    for (let number = 1; number < 20_000; number++) expect(seen.add(number * 4_096)).toBe(false)
    expect(seen.size).toBe(19_999)
  })

  it('tells short lists of numbers apart', () => {
    const seen = new Set<number>()
    for (let a = -2; a < 30; a++)
      for (let b = -2; b < 30; b++)
        for (let c = -2; c < 30; c++) seen.add(fingerprint(Int32Array.of(a, b, c), 3))
    expect(seen.size).toBe(32 ** 3)
  })
})

describe('symmetry', () => {
  it('gives every permutation once, the identity first, and its inverse', () => {
    const all = permutationsOf(4)
    expect(new Set(all.map(String)).size).toBe(24)
    expect(all[0]).toEqual([0, 1, 2, 3])
    for (const names of all) expect(inverse(inverse(names))).toEqual(names)
  })

  it('gives every subset once, the empty one first', () => {
    expect(subsetsOf([1, 2])).toEqual([[], [2], [1], [1, 2]])
  })
})

describe('logs', () => {
  const table = new LogTable(
    [0, 1].map((id) => ({ id, run: 0 })),
    permutationsOf(2),
  )
  const a = table.append(table.empty, { kind: 'noop', term: 1 })
  const ab = table.append(a, { kind: 'view', term: 2, members: [{ id: 0, run: 17 }] })
  const ac = table.append(a, { kind: 'command', term: 1, name: 1 })

  it('are the same object when they are equal', () => {
    expect(table.append(a, { kind: 'view', term: 2, members: [{ id: 0, run: 17 }] })).toBe(ab)
    expect(table.append(a, { kind: 'view', term: 2, members: [{ id: 0, run: 18 }] })).not.toBe(ab)
  })

  it('know their beginnings, their terms and their newest view', () => {
    expect(prefix(ab, 1)).toBe(a)
    expect(commonLength(ab, ac)).toBe(1)
    expect([beginsWith(ab, a), beginsWith(ab, ac)]).toEqual([true, false])
    expect([termAt(ab, 0), termAt(ab, 1), termAt(ab, 2)]).toEqual([0, 1, 2])
    expect(compareLogs(ab, ac)).toBeGreaterThan(0)
    expect(ab.view).toMatchObject({ index: 2, term: 2 })
    expect(ac.view).toMatchObject({ index: 0, term: 0 })
  })

  it('can be told with other names for the replicas', () => {
    const renamed = table.renamed(ab, 1)
    expect(renamed.view.members).toEqual([{ id: 1, run: 17 }])
    expect(table.renamed(renamed, 1)).toBe(ab)
    expect(table.renamed(ac, 1)).toBe(ac)
  })
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LinkedList, type Place } from './linked-list.ts'

test('it holds what a set holds, in the same order, whatever comes and goes', () => {
  fc.assert(
    fc.property(fc.array(fc.record({ goes: fc.boolean(), which: fc.nat() })), (steps) => {
      const list = new LinkedList<number>()
      const set = new Set<number>()
      const places: Place<number>[] = []
      for (const [at, { goes, which }] of steps.entries()) {
        const place = places[which % Math.max(1, places.length)]
        if (goes && place !== undefined) {
          if (place.value !== null) set.delete(place.value)
          list.delete(place)
        } else {
          places.push(list.add(at))
          set.add(at)
        }
      }
      expect([...list].map(({ value }) => value)).toEqual([...set])
    }),
  )
})

test('what is deleted holds on to nothing', () => {
  const list = new LinkedList<string>()
  const [first, second, third] = ['a', 'b', 'c'].map((value) => list.add(value))
  if (first === undefined || second === undefined || third === undefined) throw new Error('never')
  list.delete(second)
  expect(second).toEqual({ value: null, before: null, after: null })
  expect(first.after).toBe(third)
})

test('each may be deleted while the list is gone through', () => {
  const list = new LinkedList<number>()
  for (let at = 0; at < 5; at++) list.add(at)
  const seen: number[] = []
  for (const place of list) {
    seen.push(place.value)
    list.delete(place)
  }
  expect(seen).toEqual([0, 1, 2, 3, 4])
  expect([...list]).toEqual([])
})

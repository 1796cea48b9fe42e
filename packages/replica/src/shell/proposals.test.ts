import { expect, it } from 'vitest'
import { outcomeUnknown, Proposals } from './proposals.ts'

const one = [new Uint8Array()]

it('counts what is in the log until it is applied, or lost with the leadership', () => {
  const proposals = new Proposals<number>()
  const told: (number | string)[] = []
  const listener = {
    replied: (_: number, reply: number) => void told.push(reply),
    failed: (_: number, { code }: { code: string }) => void told.push(code),
  }
  const enter = (first: number, commands: number): void => {
    for (let command = 0; command < commands; command++) proposals.add(one, listener)
    proposals.handIn()
    proposals.proposed(first, 1)
  }
  proposals.add(one, listener)
  expect([proposals.size, proposals.inLog]).toEqual([1, 0])
  enter(1, 2)
  expect([proposals.size, proposals.inLog]).toEqual([3, 3])
  for (const index of [1, 2]) proposals.applied(index, 1, index * 10)
  expect([proposals.size, proposals.inLog]).toEqual([1, 1])
  proposals.fail(outcomeUnknown())
  expect([proposals.size, proposals.inLog]).toEqual([0, 0])
  // As many as make a move of the rest due, and one more.
  enter(4, 300)
  for (let index = 4; index < 303; index++) proposals.applied(index, 1, index)
  expect([proposals.size, proposals.inLog]).toEqual([1, 1])
  proposals.fail(outcomeUnknown())
  expect(told).toEqual([
    10,
    20,
    'outcome unknown',
    ...Array.from({ length: 299 }, (_, at) => at + 4),
    'outcome unknown',
  ])
})

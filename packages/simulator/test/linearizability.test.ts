import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkLinearizable, type Operation, type SequentialModel } from '../src/index.ts'

/** A register of numbers, 0 at first: a write is answered 'ok', a read what is in it. */
type Input = { readonly write: number } | 'read'
type Output = number | 'ok'

const register: SequentialModel<number, Input, Output> = {
  initial: 0,
  step: (state, input, told) => {
    if (input === 'read') return told === undefined || told === state ? state : null
    return input.write
  },
  key: String,
}

const never = Number.POSITIVE_INFINITY

function operation(began: number, ended: number, input: Input, output?: Output): Operation<Input, Output> {
  return { client: 0, input, began, ended, output }
}

const write = (began: number, ended: number, value: number) => operation(began, ended, { write: value }, 'ok')
const lostWrite = (began: number, value: number) => operation(began, never, { write: value })
const read = (began: number, ended: number, value: number) => operation(began, ended, 'read', value)

describe('a history', () => {
  it.each([
    ['of nothing', []],
    ['of one thing after the other', [write(0, 1, 1), read(2, 3, 1), write(4, 5, 2), read(6, 7, 2)]],
    ['of two reads during a write, the later one newer', [write(0, 5, 1), read(1, 2, 0), read(3, 4, 1)]],
    [
      'of two writes at once, in the order that a reader saw',
      [write(0, 3, 1), write(1, 2, 2), read(4, 5, 1), read(6, 7, 1)],
    ],
    ['of a lost write that took effect late', [lostWrite(0, 1), read(1, 2, 0), read(3, 4, 1)]],
    ['of a lost write that never took effect', [lostWrite(0, 1), write(1, 2, 2), read(3, 4, 2)]],
    [
      'of one that had to take effect between two others',
      [write(0, 1, 1), lostWrite(2, 2), read(3, 4, 1), read(5, 6, 2), write(7, 8, 3), read(9, 10, 3)],
    ],
  ])('%s is linearizable', (_, operations) => {
    expect(checkLinearizable(register, operations)).toEqual({ linearizable: true })
  })

  it.each([
    ['of a stale read', [write(0, 1, 1), read(2, 3, 0)], 'answered 0'],
    ['of reads that go back during a write', [write(0, 5, 1), read(1, 2, 1), read(3, 4, 0)], 'answered 0'],
    ['of a value that nobody wrote', [write(0, 1, 1), read(2, 3, 7)], 'answered 7'],
    ['of a read before its write began', [read(0, 1, 1), write(2, 3, 1)], 'answered 1'],
    [
      'of readers who saw two writes in either order',
      [write(0, 9, 1), write(1, 8, 2), read(2, 3, 1), read(4, 5, 2), read(6, 7, 1)],
      'answered 1',
    ],
    ['of a lost write that was undone', [lostWrite(0, 1), read(1, 2, 1), read(3, 4, 0)], 'answered 0'],
  ])('%s is not', (_, operations, stuckAt) => {
    const verdict = checkLinearizable(register, operations)
    expect(verdict).toMatchObject({ linearizable: false, searchedAll: true })
    expect(verdict).toHaveProperty('stuckAt', expect.stringContaining(stuckAt))
  })

  it('is judged as by a search through all orders', () => {
    const anything = fc.record({
      value: fc.integer({ min: 0, max: 2 }),
      kind: fc.constantFrom('read', 'write', 'lost write'),
      places: fc.tuple(fc.nat(1_000), fc.nat(1_000)),
    })
    const verdicts = { yes: 0, no: 0 }
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 6 }), (some) => {
        const operations = some.map(({ value, kind, places: [a, b] }, at) => {
          // No two at the same time.
          const [began, ended] = [Math.min(a, b) + at / 20, Math.max(a, b) + at / 20 + 0.01]
          if (kind === 'read') return read(began, ended, value)
          return kind === 'write' ? write(began, ended, value) : lostWrite(began, value)
        })
        // As a history has them.
        operations.sort((a, b) => a.began - b.began)
        const { linearizable } = checkLinearizable(register, operations)
        verdicts[linearizable ? 'yes' : 'no']++
        expect(linearizable).toBe(hasAnOrder(operations, register.initial))
      }),
      { numRuns: 2_000, seed: 1 },
    )
    expect(Math.min(verdicts.yes, verdicts.no)).toBeGreaterThan(200)
  })
})

/** Tries every order; lost operations may be left out. */
function hasAnOrder(left: readonly Operation<Input, Output>[], state: number): boolean {
  if (left.every(({ ended }) => ended === never)) return true
  return left.some((next) => {
    const others = left.filter((other) => other !== next)
    if (others.some(({ ended }) => ended < next.began)) return false
    const after = register.step(state, next.input, next.output)
    return after !== null && hasAnOrder(others, after)
  })
}

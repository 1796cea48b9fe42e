import { serialize } from 'node:v8'
import { expect, test } from 'vitest'
import { getUint64, putUint64 } from './wire.ts'

test.each([0, 1, 2 ** 30, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER])(
  '%i comes back',
  (value) => {
    const view = new DataView(new ArrayBuffer(10))
    putUint64(view, value, 1)
    expect(getUint64(view, 1)).toBe(value)
  },
)

test('a small number is a small integer to V8, also before it has compiled what reads it', () => {
  const view = new DataView(new ArrayBuffer(8))
  putUint64(view, 7, 0)
  expect(kindOf(getUint64(view, 0))).toBe(kindOf(7))
  // What V8 makes of the plain sum before it has compiled it: so the letters do tell the two apart.
  expect(kindOf(plainSum(view.getUint32(0, true), view.getUint32(4, true)))).not.toBe(kindOf(7))
})

function plainSum(low: number, upper: number): number {
  return low + upper * 2 ** 32
}

/** The letter that V8 writes before a number says how it is kept. */
function kindOf(value: number): number | undefined {
  return serialize(value)[2]
}

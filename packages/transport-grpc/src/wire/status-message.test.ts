import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeStatusMessage, encodeStatusMessage } from './status-message.ts'

test('many spaces cost no more than as many letters', () => {
  const text = `${'x '.repeat(10)}${' '.repeat(200_000)}x`
  // By a pattern that tries each of them anew this takes minutes.
  expect(decodeStatusMessage(encodeStatusMessage(text))).toBe(text)
})

test('words come back as they were, and are what a header may have', () => {
  const words = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom(' ', '  a  b  ', '100 %', 'größer'),
  )
  fc.assert(
    fc.property(words, (text) => {
      const encoded = encodeStatusMessage(text)
      expect(encoded).toMatch(/^([!-~]([ -~]*[!-~])?)?$/)
      expect(decodeStatusMessage(encoded)).toBe(text)
    }),
  )
})

import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { limitsDocument } from './limits.mjs'

it('LIMITS.md says what the sources say', () => {
  expect(readFileSync(new URL('../LIMITS.md', import.meta.url), 'utf8')).toBe(limitsDocument())
})

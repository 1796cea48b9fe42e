import { describe, expect, it } from 'vitest'
import { active, idleIn, loggedIn, out } from './presence.ts'

describe('presence', () => {
  it('becomes idle after the timeout, counted from the last command', () => {
    const alice = loggedIn('alice', 60, 1_000)
    expect(idleIn(alice, 1_000)).toBe(60_000)
    expect(idleIn(alice, 61_001)).toBe(0)
    expect(idleIn(active(alice, 31_000), 61_000)).toBe(30_000)
  })

  it('is never idle while nobody is logged in', () => {
    expect(idleIn(out, 1_000_000)).toBeNull()
    expect(active(out, 5)).toBe(out)
  })
})

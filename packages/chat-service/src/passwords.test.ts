import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createPasswords } from './passwords.ts'

const passwords = await createPasswords({
  hashesAtOnce: 1,
  hashesWaiting: 8,
  retryAfterMs: 1,
  random: randomBytes,
})

describe('passwords', () => {
  it('are stored as argon2id at the OWASP minimum, salted', async () => {
    const [one, other] = await Promise.all([passwords.hash('sesame'), passwords.hash('sesame')])
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(one).not.toBe(other)
    expect(one).not.toContain('sesame')
  })

  it('are recognised, and nothing else is', async () => {
    const stored = await passwords.hash('sesame')
    expect(await passwords.verify(stored, 'sesame')).toBe(true)
    expect(await passwords.verify(stored, 'Sesame')).toBe(false)
  })

  it('never fit an account that does not exist', async () => {
    expect(await passwords.verify(null, 'sesame')).toBe(false)
    expect(await passwords.verify(null, '')).toBe(false)
  })

  it('are hashed a bounded number at a time', async () => {
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => passwords.verify(null, 'x')))
    expect(results.filter((result) => result.status === 'rejected').length).toBe(1)
    expect(results.at(-1)).toMatchObject({ reason: { reason: 'OVERLOADED' } })
  })
})

import { describe, expect, it } from 'vitest'
import { exitCodeOf, worse } from './exit-code.ts'

describe('exit codes', () => {
  it('are the highest of any command', () => {
    expect(worse(0, 'done')).toBe(0)
    expect(worse(0, 'refused')).toBe(1)
    expect(worse(2, 'refused')).toBe(2)
    expect(worse(1, 'wrong usage')).toBe(2)
    expect(worse(2, 'unreachable')).toBe(3)
    expect(worse(3, 'done')).toBe(3)
  })

  it('tell which signal ended the program', () => {
    expect([exitCodeOf('SIGHUP'), exitCodeOf('SIGINT'), exitCodeOf('SIGTERM')]).toEqual([129, 130, 143])
  })
})

import { describe, expect, it } from 'vitest'
import { Deaths, type Member } from '../src/index.ts'

const run = (incarnation: number, disk = 'a'): Member => ({ id: 1, disk, incarnation })

describe('proofs of death', () => {
  it('a refusal is proof about the runs that were known before the attempt began, and about no later one', () => {
    const deaths = new Deaths()
    deaths.learn(run(3))
    deaths.attempting(1, 7)
    deaths.learn(run(4))
    deaths.refused(1, 7)
    expect([deaths.isDead(run(3)), deaths.isDead(run(4))]).toEqual([true, false])
  })

  it('the refusal of another attempt proves nothing', () => {
    const deaths = new Deaths()
    deaths.learn(run(3))
    deaths.attempting(1, 7)
    deaths.refused(1, 6)
    expect(deaths.isDead(run(3))).toBe(false)
    deaths.refused(2, 7)
    expect(deaths.isDead(run(3))).toBe(false)
  })

  it('a later run on the same disk proves that the earlier ones have ended', () => {
    const deaths = new Deaths()
    deaths.learn(run(3))
    expect(deaths.isDead(run(3))).toBe(false)
    deaths.answered(1, run(4))
    expect([deaths.isDead(run(3)), deaths.isDead(run(4))]).toEqual([true, false])
    expect([deaths.isOutdated(run(3)), deaths.isOutdated(run(4))]).toEqual([true, false])
  })

  it('an answer from another disk proves it only if the attempt began after the old one was known', () => {
    const deaths = new Deaths()
    deaths.attempting(1, 1)
    deaths.learn(run(5, 'old'))
    deaths.answered(1, run(1, 'new'))
    expect(deaths.isDead(run(5, 'old'))).toBe(false)
    deaths.attempting(1, 2)
    deaths.answered(2, run(1, 'new'))
    expect([deaths.isDead(run(5, 'old')), deaths.isDead(run(1, 'new'))]).toEqual([true, false])
  })

  it('is never had about a member that a view does not pin down', () => {
    const deaths = new Deaths()
    const anyRun = { id: 1, disk: '', incarnation: 0 }
    deaths.learn(anyRun)
    deaths.prove(anyRun)
    deaths.attempting(1, 1)
    deaths.refused(1, 1)
    expect(deaths.isDead(anyRun)).toBe(false)
  })

  it('may be passed on', () => {
    const deaths = new Deaths()
    deaths.prove(run(2))
    expect([deaths.isDead(run(2)), deaths.isDead(run(1)), deaths.isDead(run(3))]).toEqual([true, true, false])
  })
})

import { describe, expect, it } from 'vitest'
import {
  canServe,
  type FailStopMistake,
  type FailStopSetting,
  type FailStopState,
  failStopLikelihood,
  failStopMistakes,
  failStopPrecautions,
  failStopSystem,
  search,
  walk,
} from '../src/index.ts'

const small: FailStopSetting = {
  size: 3,
  formed: true,
  crashes: 2,
  writes: 1,
  terms: 3,
  length: 4,
  transfers: 0,
  replacements: 0,
  lateAppends: false,
  staleNews: false,
  newsFromTheLiving: false,
  mistake: null,
}
/** Bounds that a walk of a hundred steps seldom reaches. */
const wide: FailStopSetting = {
  ...small,
  crashes: 6,
  writes: 3,
  terms: 9,
  length: 14,
  transfers: 1,
  lateAppends: true,
  staleNews: true,
}
/** The same without what makes walks stray. */
const plain: FailStopSetting = { ...small, crashes: 5, writes: 2, terms: 6, length: 9 }

describe('every state of a small fail-stop cluster', () => {
  // How many there are is part of what is checked: a rule that became stricter by mistake would show here.
  const bounds: { words: string; setting: FailStopSetting; states: number }[] = [
    { words: 'any two of three crash and come back', setting: { ...small, writes: 0 }, states: 53_593 },
    {
      words: 'one of three crashes while there is a write',
      setting: { ...small, crashes: 1 },
      states: 8_058,
    },
    {
      words: 'a new cluster forms while one crashes',
      setting: { ...small, formed: false, crashes: 1, terms: 2, length: 3 },
      states: 8_135,
    },
    {
      words: 'a disk is replaced in a cluster of two',
      setting: { ...small, size: 2, length: 5, replacements: 1 },
      states: 36_049,
    },
    {
      words: 'old news, late messages and a hand-over in a cluster of two',
      setting: { ...small, size: 2, length: 3, transfers: 1, lateAppends: true, staleNews: true },
      states: 26_869,
    },
  ]
  it.each(bounds)('$words: $states states, none broken', { timeout: 120_000 }, ({ setting, states }) => {
    const found = search(failStopSystem(setting), { limit: 1_000_000 })
    expect(found).toMatchObject({ type: 'exhausted', states })
  })
})

describe('a mistake put into the fail-stop rules', () => {
  interface Walks {
    /** From which it is found soon. */
    readonly seed: number
    readonly steps: number
    readonly within?: Partial<FailStopSetting>
  }
  const found: Record<Exclude<keyof typeof failStopMistakes, 'noadopt'>, Walks> = {
    noadmit: { seed: 3, steps: 120 },
    staysadmitted: { seed: 1, steps: 40 },
    recoveryremoves: { seed: 5, steps: 60, within: plain },
    any: { seed: 1, steps: 40 },
    majority: { seed: 1, steps: 80 },
    longest: { seed: 2, steps: 80 },
    blindrecovery: { seed: 1, steps: 120 },
    silence: { seed: 1, steps: 40 },
    anyproof: { seed: 1, steps: 80 },
    leaderstays: { seed: 9, steps: 120 },
    doublevote: { seed: 5, steps: 80 },
    volatilevote: { seed: 1, steps: 80 },
    majoritycommit: { seed: 1, steps: 40 },
    ackearly: { seed: 2, steps: 90, within: plain },
    olddisk: { seed: 4, steps: 40, within: { replacements: 1 } },
  }
  it.each(Object.entries(found))('is found: %s', { timeout: 120_000 }, (name, { seed, steps, within }) => {
    const setting = { ...wide, ...within, mistake: isMistake(name) ? name : null }
    const system = failStopSystem(setting)
    const options = { seed, steps, weight: failStopLikelihood }
    const outcome = walk(system, { ...options, walks: 3_000 })
    expect(outcome).toMatchObject({ type: 'broken' })
    // Without the mistake walks from the same seed find nothing.
    const right = failStopSystem({ ...setting, mistake: null })
    expect(walk(right, { ...options, walks: 100 })).toMatchObject({ type: 'nothing' })
  })

  it.each(Object.keys(failStopPrecautions))(
    'is harmless to what is kept: %s',
    { timeout: 120_000 },
    (name) => {
      const system = failStopSystem({ ...small, crashes: 1, mistake: isMistake(name) ? name : null })
      expect(search(system, { limit: 1_000_000 })).toMatchObject({ type: 'exhausted' })
    },
  )
})

function isMistake(name: string): name is FailStopMistake {
  return Object.hasOwn(failStopMistakes, name) || Object.hasOwn(failStopPrecautions, name)
}

describe('when faults cease', () => {
  /** Looks for a way back from the last state of each walk. */
  function stuck(setting: FailStopSetting, walks: { seed: number; walks: number; steps: number }): string {
    const system = failStopSystem(setting)
    const tried = { yes: 0, no: 0, unknown: 0 }
    const inspect = (state: FailStopState): string | null => {
      const can = canServe(system.healed, state)
      tried[can]++
      return can === 'no' ? 'stuck' : null
    }
    const outcome = walk(system, { ...walks, weight: failStopLikelihood, inspect })
    return outcome.type === 'broken' ? outcome.what : `${tried.yes} of ${walks.walks}`
  }

  it('the cluster comes back whole from wherever it was', { timeout: 120_000 }, () => {
    expect(stuck(wide, { seed: 7, walks: 500, steps: 90 })).toBe('500 of 500')
  })

  it('the cluster does not come back where a candidate needs the best log instead of adopting it (noadopt)', {
    timeout: 120_000,
  }, () => {
    const setting: FailStopSetting = { ...wide, transfers: 0, mistake: 'noadopt' }
    expect(stuck(setting, { seed: 2, walks: 3_000, steps: 60 })).toBe('stuck')
  })
})

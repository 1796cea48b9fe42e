import { describe, expect, it } from 'vitest'
import {
  type MajorityMistake,
  type MajoritySetting,
  majorityLikelihood,
  majorityMistakes,
  majoritySystem,
  search,
  walk,
} from '../src/index.ts'

const small: MajoritySetting = {
  size: 3,
  crashes: 0,
  writes: 1,
  terms: 3,
  length: 3,
  changes: 0,
  mistake: null,
}
/** Bounds that a walk of eighty steps seldom reaches. */
const wide: MajoritySetting = { ...small, crashes: 5, writes: 3, terms: 7, length: 8 }

describe('every state of a small majority cluster', () => {
  // How many there are is part of what is checked: a rule that became stricter by mistake would show here.
  const bounds: { words: string; setting: MajoritySetting; states: number }[] = [
    { words: 'three terms and a write', setting: small, states: 27_364 },
    { words: 'two terms, a write and a crash', setting: { ...small, crashes: 1, terms: 2 }, states: 22_627 },
    {
      words: 'a change of four members',
      setting: { ...small, size: 4, writes: 0, terms: 2, changes: 1 },
      states: 19_713,
    },
  ]
  it.each(bounds)('$words: $states states, none broken', { timeout: 120_000 }, ({ setting, states }) => {
    expect(search(majoritySystem(setting), { limit: 1_000_000 })).toMatchObject({ type: 'exhausted', states })
  })
})

describe('a mistake put into the majority rules', () => {
  const found: Record<MajorityMistake, { walks: number; within?: Partial<MajoritySetting> }> = {
    oldterm: { walks: 2_000 },
    volatilevote: { walks: 500 },
    doublevote: { walks: 500 },
    blindvote: { walks: 500 },
    half: { walks: 500, within: { size: 4 } },
    ackearly: { walks: 1_000 },
    overack: { walks: 1_000 },
    keepsconflicts: { walks: 1_000 },
    changeearly: { walks: 2_000, within: { size: 4, changes: 3 } },
    twochanges: { walks: 2_000, within: { size: 4, changes: 3, crashes: 0, writes: 0, terms: 5, length: 6 } },
  }
  it.each(Object.entries(found))('is found: %s', { timeout: 120_000 }, (name, { walks, within }) => {
    const mistake = isMistake(name) ? name : null
    const setting: MajoritySetting = { ...wide, ...within, mistake }
    const options = { seed: 1, steps: 80, weight: majorityLikelihood }
    expect(walk(majoritySystem(setting), { ...options, walks })).toMatchObject({ type: 'broken' })
    const right = majoritySystem({ ...setting, mistake: null })
    expect(walk(right, { ...options, walks: 200 })).toMatchObject({ type: 'nothing' })
  })
})

function isMistake(name: string): name is MajorityMistake {
  return Object.hasOwn(majorityMistakes, name)
}

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import * as simulator from '../../src/index.ts'
import { importWithMistake } from '../planted-bundle.ts'
import { comparable, compareRun } from './run.ts'

/** Seeds of each profile that the model is led through in every run of the tests. */
const seedsOfEach = 40

describe.each(simulator.profiles)('$name', (profile) => {
  it(`does in ${seedsOfEach} seeds nothing that the model does not allow`, { timeout: 120_000 }, async () => {
    let steps = 0
    for (const seed of simulator.countFrom(20_000, seedsOfEach)) {
      const compared = await compareRun(simulator, comparable(profile), seed)
      expect({ seed, difference: compared.difference, violation: compared.violation }).toEqual({
        seed,
        difference: null,
        violation: null,
      })
      steps += compared.steps
    }
    expect(steps).toBeGreaterThan(seedsOfEach * 100)
  })
})

/** Mistakes in the core, the profile they are tried under, and how many seeds it takes at the most until the model refuses a step. */
const refused: readonly (readonly [name: string, seeds: number])[] = [
  ['vote not persisted', 20],
  ['votes twice in a term', 20],
  ['vote for a shorter log', 30],
  ['commit of an older term', 10],
  ['reply before fsync', 10],
  ['most of a view are enough', 10],
  ['removal by timeout', 120],
  ['restarted replica counts itself in', 10],
  ['recovery with a majority', 20],
  ['recovery with whoever came back', 10],
  ['a member without a record of the view', 10],
  ['learners count', 20],
]
const directory = mkdtempSync(join(tmpdir(), 'chatroom-conformance-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('the model refuses what a core with a mistake does', () => {
  it.each(refused)('%s, within %i seeds', { timeout: 120_000 }, async (name, seeds) => {
    const { mutation, simulator: mistaken } = await importWithMistake(name, directory)
    const profile = mistaken.profiles.find((candidate) => candidate.name === mutation.profile)
    if (profile === undefined) throw new Error(`no profile ${mutation.profile}`)
    const found: string[] = []
    for (const seed of mistaken.countFrom(1, seeds)) {
      const { difference } = await compareRun(mistaken, comparable(profile), seed)
      if (difference === null) continue
      found.push(difference.words)
      break
    }
    expect(found).toHaveLength(1)
  })
})

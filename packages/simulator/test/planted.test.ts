import { mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { allMutations } from '../mutations/all.ts'
import type { Mutation } from '../mutations/mutation.ts'
import type * as Simulator from '../src/index.ts'
import { comparable, compareRun } from './conformance/run.ts'
import { change, importWithMistake } from './planted-bundle.ts'

const directory = mkdtempSync(join(tmpdir(), 'chatroom-planted-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** What this seed shows to be wrong; null: nothing. */
async function tryOut(
  simulator: typeof Simulator,
  { profile: name, by = 'chat' }: Mutation,
  seed: number,
): Promise<string | null> {
  const profile = simulator.profiles.find((candidate) => candidate.name === name)
  if (profile === undefined) throw new Error(`no profile ${name}`)
  if (by === 'model') {
    const { violation, difference } = await compareRun(simulator, comparable(profile), seed)
    return violation?.invariant ?? difference?.words ?? null
  }
  const result =
    by === 'chat'
      ? await simulator.simulate({ seed, profile, workload: simulator.chatWorkload })
      : await simulator.simulate({ seed, profile, workload: simulator.registerWorkload })
  return result.violation?.invariant ?? null
}

describe('a planted mistake', () => {
  it.each(allMutations)(
    '$name: is found within $seedsNeeded seeds',
    { timeout: 180_000 },
    async ({ name, from = 1, seedsNeeded }) => {
      const { mutation, simulator } = await importWithMistake(name, directory)
      let found: string | null = null
      for (let seed = from; seed < from + seedsNeeded && found === null; seed++)
        found = await tryOut(simulator, mutation, seed)
      expect(found).not.toBeNull()
    },
  )

  it.each(allMutations)('$name: is about code that is there', async ({ edits }) => {
    for (const edit of edits) {
      const source = await readFile(resolve(import.meta.dirname, '../../..', edit.file), 'utf8')
      expect(change(source, edit)).not.toBe(source)
    }
  })

  it('stands where the sources have the text exactly once', () => {
    expect(() => change('a b a', { file: 'f', find: 'a', replace: 'c' })).toThrow('2 times instead of once')
    expect(change('a b', { file: 'f', find: 'a', replace: '$&' })).toBe('$& b')
  })
})

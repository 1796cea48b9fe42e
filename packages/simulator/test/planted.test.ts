import { mkdtempSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { allMutations } from '../mutations/all.ts'
import type * as Simulator from '../src/index.ts'
import { bundleSimulator, change } from './planted-bundle.ts'

/** Those that are found in seconds, and within how many seeds; all of them take half an hour. */
const quick: Readonly<Record<string, number>> = {
  'vote for a shorter log': 30,
  'vouches before the disk has it': 3,
  'reply before fsync': 3,
  'truncation not persisted': 15,
  'restarted replica counts itself in': 5,
  'recovery with whoever came back': 10,
  'a member without a record of the view': 15,
}
const directory = mkdtempSync(join(tmpdir(), 'chatroom-planted-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('a planted mistake', () => {
  it.each(Object.entries(quick))(
    '%s: is found within %i seeds',
    async (name, seeds) => {
      const mutation = allMutations.find((candidate) => candidate.name === name)
      if (mutation === undefined) throw new Error(`no mutation ${name}`)
      const file = join(directory, `${name.replaceAll(' ', '-')}.mjs`)
      await bundleSimulator(mutation, file)
      const simulator = (await import(pathToFileURL(file).href)) as typeof Simulator
      const profile = simulator.profiles.find((candidate) => candidate.name === mutation.profile)
      if (profile === undefined) throw new Error(`no profile ${mutation.profile}`)
      const options = {
        profile,
        seeds: simulator.countFrom(1, seeds),
        after: (result: Simulator.SimulationResult) => result.violation === null,
      }
      const summary =
        mutation.workload === 'registers'
          ? await simulator.runCampaign({ ...options, workload: simulator.registerWorkload })
          : await simulator.runCampaign({ ...options, workload: simulator.chatWorkload })
      expect(summary.failures).toHaveLength(1)
    },
    180_000,
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

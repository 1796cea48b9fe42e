import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

function start(...flags: string[]): { readonly status: number | null; readonly stdout: string } {
  const program = fileURLToPath(new URL('../dist/main.js', import.meta.url))
  return spawnSync(process.execPath, [program, ...flags], { encoding: 'utf8' })
}

it('says what it found, and with which seed', () => {
  const honest = start('1', '1')
  // A line for each profile that the simulator has.
  expect(honest.stdout).toMatch(
    /^fail-stop: 1 runs(?:, .* 0 violations\n[a-z-]+: 1 runs)+, .* 0 violations\n$/,
  )
  expect(honest.status).toBe(0)
  const forgetful = start('1', '2', 'forgetful')
  expect(forgetful.stdout).toMatch(/^ {2}seed \d+: linearizable: no order explains it/m)
  expect(forgetful.status).toBe(1)
})

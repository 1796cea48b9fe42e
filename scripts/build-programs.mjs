// Before the end-to-end tests: builds the programs they start, as `pnpm build` would. Takes half a second when nothing changed.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleServer } from './bundle-server.mjs'
import './generate.mjs'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')

export async function setup() {
  const projects = ['apps', 'examples']
    .filter((floor) => existsSync(join(root, floor)))
    .flatMap((floor) => readdirSync(join(root, floor)).map((name) => join(floor, name)))
    .concat('bench')
    .filter((project) => existsSync(join(root, project, 'tsconfig.json')))
  const built = spawnSync(join(root, 'node_modules', '.bin', 'tsc'), ['-b', ...projects], {
    cwd: root,
    encoding: 'utf8',
  })
  if (built.status !== 0)
    throw new Error(
      `The programs could not be built, so they cannot be tested.\n${built.stdout}${built.stderr}`,
    )
  await bundleServer()
}

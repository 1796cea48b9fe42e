// Enforces the arrows of .dependency-cruiser.cjs, and refuses to call it a success when it saw nothing: the cruiser says
// "no violations" just as happily about no modules at all.
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cruise } from 'dependency-cruiser'
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')

/** @type {{ forbidden: (import('dependency-cruiser').IForbiddenRuleType & { name: string })[], options: import('dependency-cruiser').ICruiseOptions }} */
const { forbidden, options } = createRequire(import.meta.url)('../.dependency-cruiser.cjs')

/**
 * What is wrong with the imports under a directory that is laid out like this repository, one sentence each, and how much was seen.
 * @param {string} baseDir
 * @returns {Promise<{ violations: string[], modules: number, dependencies: number }>}
 */
export async function violationsUnder(baseDir) {
  const rooms = ['packages', 'apps', 'examples'].flatMap((floor) => {
    try {
      return readdirSync(join(baseDir, floor)).map((name) => `${floor}/${name}`)
    } catch {
      return []
    }
  })
  if (existsSync(join(baseDir, 'bench'))) rooms.push('bench')
  const { output } = await cruise(
    rooms.map((room) => `${room}/src`),
    { ...options, baseDir, ruleSet: { forbidden }, validate: true, outputType: 'json' },
    undefined,
    { tsConfig: extractTSConfig(join(root, 'tsconfig.base.json')) },
  )
  /** @type {import('dependency-cruiser').ICruiseResult} */
  const result = typeof output === 'string' ? JSON.parse(output) : output
  const unseen = rooms.filter(
    (room) => !result.modules.some((module) => module.source.startsWith(`${room}/`)),
  )
  return {
    violations: [
      ...result.summary.violations.map(
        ({ rule, from, to }) =>
          `${from} -> ${to}: ${rule.name}. ${forbidden.find(({ name }) => name === rule.name)?.comment ?? ''}`,
      ),
      ...unseen.map((room) => `${room}: no module of it was seen, so nothing about it was checked.`),
    ],
    modules: result.summary.totalCruised,
    dependencies: result.summary.totalDependenciesCruised ?? 0,
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { violations, modules, dependencies } = await violationsUnder(root)
  for (const violation of violations) process.stdout.write(`${violation}\n`)
  process.stdout.write(`${modules} modules, ${dependencies} dependencies, ${violations.length} violations\n`)
  if (modules === 0 || violations.length > 0) process.exitCode = 1
}

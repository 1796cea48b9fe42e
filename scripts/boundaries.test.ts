import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { violationsUnder } from './boundaries.mjs'

// A little house with the rooms of the real one, in which each test plants one mistake.
let house: string

const rooms = ['client', 'election', 'replica', 'replication-log', 'state-machine', 'transport-grpc']

function write(file: string, text: string): void {
  mkdirSync(dirname(join(house, file)), { recursive: true })
  writeFileSync(join(house, file), text)
}

beforeEach(() => {
  house = mkdtempSync(join(tmpdir(), 'chatroom-boundaries-'))
  write('package.json', '{ "name": "house", "private": true }')
  write('node_modules/zod/package.json', '{ "name": "zod", "main": "index.js" }')
  write('node_modules/zod/index.js', 'exports.here = 1\n')
  for (const name of rooms) {
    write(`packages/${name}/package.json`, JSON.stringify({ name: `@chatroom/${name}` }))
    write(`packages/${name}/src/index.ts`, 'export const here = 1\n')
  }
})

afterEach(() => {
  rmSync(house, { recursive: true, force: true })
})

describe('the import boundaries', () => {
  it('are content with a house in order, and have seen every room', async () => {
    write('packages/replication-log/src/file/index.ts', "import 'node:fs'\n")
    const { violations, modules } = await violationsUnder(house)
    expect(violations).toEqual([])
    expect(modules).toBeGreaterThan(rooms.length)
  })

  it('are not content with a room of which nothing was seen', async () => {
    rmSync(join(house, 'packages/election/src/index.ts'))
    write('packages/election/src/notes.txt', 'nothing to cruise here\n')
    const { violations } = await violationsUnder(house)
    expect(violations.join('\n')).toContain('packages/election: no module of it was seen')
  })

  it.each([
    ['a module of Node in a pure package', 'election/src/index.ts', 'node:fs', 'pure-election-no-node'],
    ['a package from npm in a pure package', 'election/src/index.ts', 'zod', 'pure-election-no-npm'],
    ["Node in the log's rules", 'replication-log/src/index.ts', 'node:fs', 'pure-replication-log-no-node'],
    ["Node in the replica's core", 'replica/src/core/step.ts', 'node:os', 'pure-replica-core-no-node'],
    ['a core that runs its shell', 'replica/src/core/step.ts', '../index.ts', 'replica-core-runs-no-shell'],
    [
      'a core that knows the disk',
      'replica/src/core/step.ts',
      '../../../replication-log/src/file/index.ts',
      'replica-core-knows-rules-only',
    ],
    [
      'a replica that knows the chat',
      'replica/src/index.ts',
      '../../state-machine/src/index.ts',
      'arrows-of-replica',
    ],
    ['an arrow that points up', 'election/src/index.ts', '../../replica/src/index.ts', 'arrows-of-election'],
    ['a client that holds the core', 'client/src/index.ts', '../../replica/src/index.ts', 'arrows-of-client'],
    [
      'a relative path into another package',
      'replica/src/index.ts',
      '../../election/src/index.ts',
      'by-name-not-by-path',
    ],
    [
      'a door that is no entry point',
      'replica/src/index.ts',
      '../../election/src/inner.ts',
      'entry-points-only',
    ],
    [
      'a library that loads OpenTelemetry',
      'client/src/index.ts',
      '@opentelemetry/api',
      'traces-only-when-asked-for',
    ],
    [
      'traces that are loaded by everybody',
      'tracing/src/index.ts',
      './sdk/start.ts',
      'traces-only-when-asked-for',
    ],
    ['an import of nothing', 'replica/src/index.ts', './missing.ts', 'everything-resolves'],
  ])('catch %s', async (_, file, imported, rule) => {
    write('packages/election/src/inner.ts', 'export const here = 1\n')
    write('packages/replication-log/src/file/index.ts', 'export const here = 1\n')
    write('packages/tracing/package.json', '{ "name": "@chatroom/tracing" }')
    write('packages/tracing/src/sdk/start.ts', 'export const here = 1\n')
    write(
      'node_modules/@opentelemetry/api/package.json',
      '{ "name": "@opentelemetry/api", "main": "index.js" }',
    )
    write('node_modules/@opentelemetry/api/index.js', 'exports.here = 1\n')
    write(`packages/${file}`, `import { here } from '${imported}'\nexport const there = here\n`)
    const { violations } = await violationsUnder(house)
    expect(violations.join('\n')).toContain(rule)
  })

  it('let traces be loaded when somebody asks for them, and types of them be named', async () => {
    write('packages/tracing/package.json', '{ "name": "@chatroom/tracing" }')
    write('packages/tracing/src/sdk/start.ts', 'export const here = 1\n')
    write('packages/tracing/src/index.ts', "export const open = () => import('./sdk/start.ts')\n")
    const { violations } = await violationsUnder(house)
    expect(violations).toEqual([])
  })

  it('catch a client that reaches the core through somebody else', async () => {
    write('packages/client/src/index.ts', "import '../../transport-grpc/src/index.ts'\n")
    write('packages/transport-grpc/src/index.ts', "import '../../replica/src/index.ts'\n")
    const { violations } = await violationsUnder(house)
    expect(violations.join('\n')).toContain('client-never-reaches-the-core')
  })
})

describe('the lint of pure sources', () => {
  const root = join(import.meta.dirname, '..')

  /** The files of the house, among those planted here, in which the linter found `words`. */
  function found(words: string): string[] {
    for (const file of ['biome.json', '.gitignore', 'scripts/pure.grit'])
      write(file, readFileSync(join(root, file), 'utf8'))
    const biome = join(root, 'node_modules', '.bin', 'biome')
    const options = ['lint', '--colors=off', '--max-diagnostics=none', 'packages']
    const { stdout, stderr } = spawnSync(biome, options, { cwd: house, encoding: 'utf8' })
    const reports = (stdout + stderr).split(/^(?=packages\/)/m)
    return [
      ...new Set(
        reports.filter((report) => report.includes(words)).map((report) => report.split(':')[0] ?? ''),
      ),
    ].sort()
  }

  const pure = ['election/src', 'replica/src/core', 'replication-log/src', 'state-machine/src']

  it.each([
    ['Date.now()', 'reads no clock'],
    ['new Date()', 'reads no clock'],
    ['performance.now()', 'reads no clock'],
    ['Math.random()', 'draws no random number'],
    ['crypto.randomUUID()', 'draws no random number'],
    ['setTimeout(() => {}, 1)', 'waits for nothing'],
    ['globalThis.performance', 'reaches nothing global'],
    ["'a'.localeCompare('b')", 'Locale data differs'],
  ])('catches %s in each of them, and nowhere else', (expression, reason) => {
    for (const directory of [...pure, 'replica/src', 'replication-log/src/file']) {
      write(`packages/${directory}/planted.ts`, `export const f = (): unknown => ${expression}\n`)
    }
    expect(found(reason)).toEqual(pure.map((directory) => `packages/${directory}/planted.ts`))
  })
})

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FakeCluster, startFakeCluster } from '../packages/client/src/testing/index.ts'
import { publicPackages, root } from '../scripts/public-packages.mjs'

const run = promisify(execFile)
const packages = publicPackages()

/** The programs that a README shows, and what it says that each prints (null: it only has to compile). */
function examplesOf(folder: string): { readonly code: string; readonly prints: string | null }[] {
  const file = join(root, 'packages', folder, 'README.md')
  const readme = existsSync(file) ? readFileSync(file, 'utf8') : ''
  return [...readme.matchAll(/^```ts\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?/gms)].map(
    ([, code = '', prints]) => ({
      code,
      prints: prints ?? null,
    }),
  )
}

/** What npm and node get to see: nothing of the workspace that this test runs in, but whom this machine believes. */
const strangersEnvironment = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) =>
      !/^(npm_(?!config_(registry|cache|userconfig)$)|pnpm_|NODE_(?!EXTRA_CA_CERTS$)|VITEST|TEST$|INIT_CWD$)/i.test(
        name,
      ),
  ),
)

/** The strictest that somebody may use; the declarations of the packages are checked too. */
const strict = {
  target: 'es2023',
  lib: ['es2023', 'esnext.disposable'],
  module: 'nodenext',
  types: ['node'],
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  noImplicitOverride: true,
  noPropertyAccessFromIndexSignature: true,
  noUnusedLocals: true,
  verbatimModuleSyntax: true,
  skipLibCheck: false,
  outDir: 'out',
  rootDir: 'src',
}

let folder: string
let fakes: FakeCluster
/** The first of six: for three replicas, and for the clients of each. */
let peerPort: number

/** Examples name the ports of a cluster on this machine; here others are used, which are free. */
const withFreePorts = (code: string): string =>
  code
    .replace(/127\.0\.0\.1:960(\d)/g, (_, id: string) => fakes.servers[Number(id)] ?? '')
    .replace(/(127\.0\.0\.1:|port: )9700/g, (_, before: string) => `${before}${peerPort}`)
    .replace(/\b8080\b/g, `${peerPort + 3}`)

/** The first of six consecutive ports that nobody uses now, outside the ranges that systems take for outgoing connections. */
async function freePorts(): Promise<number> {
  for (;;) {
    const first = 12_000 + Math.floor(Math.random() * 19_000)
    const servers = [0, 1, 2, 3, 4, 5].map((offset) => createServer().listen(first + offset, '127.0.0.1'))
    const listening = await Promise.all(
      servers.map((server) =>
        Promise.race([once(server, 'listening').then(() => true), once(server, 'error').then(() => false)]),
      ),
    )
    for (const server of servers) server.close()
    if (listening.every(Boolean)) return first
  }
}

/** Asks one replica, which may send us to another, until somebody can answer. */
async function ask(replica: number, init: RequestInit = {}): Promise<string> {
  const deadline = performance.now() + 60_000
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${peerPort + 3 + replica}`, init).then(
      async (response) => ({ done: response.ok, words: await response.text() }),
      (error: unknown) => ({ done: false, words: String(error) }),
    )
    if (answer.done) return answer.words
    if (performance.now() > deadline) throw new Error(`no answer in a minute: ${answer.words}`)
  }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stranger-'))
  const tarballs = join(folder, 'tarballs')
  const consumer = join(folder, 'consumer')
  mkdirSync(join(consumer, 'src'), { recursive: true })
  await run(join(root, 'node_modules/.bin/tsc'), ['-b', ...packages.map(({ directory }) => directory)])
  await run(
    'npx',
    [
      '-y',
      'pnpm@12.21.0',
      '-r',
      ...packages.flatMap(({ name }) => ['--filter', name]),
      'pack',
      '--pack-destination',
      tarballs,
    ],
    { cwd: root, env: strangersEnvironment },
  )
  const dependencies = Object.fromEntries(
    packages.map(({ name }) => {
      const file = readdirSync(tarballs).find((one) => one.startsWith(`${name.slice(1).replace('/', '-')}-0`))
      return [name, `file:../tarballs/${file}`]
    }),
  )
  const typesOfNode = /"@types\/node": "(.*?)"/.exec(readFileSync(join(root, 'package.json'), 'utf8'))?.[1]
  const manifest = {
    name: 'stranger',
    private: true,
    type: 'module',
    dependencies: { ...dependencies, '@grpc/grpc-js': '1.14.7' },
    devDependencies: { '@types/node': typesOfNode },
  }
  writeFileSync(join(consumer, 'package.json'), JSON.stringify(manifest))
  writeFileSync(
    join(consumer, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: strict, include: ['src'] }),
  )
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline'], {
    cwd: consumer,
    env: strangersEnvironment,
  })
  fakes = await startFakeCluster()
  peerPort = await freePorts()
  for (const { folder: name } of packages) {
    for (const [i, { code }] of examplesOf(name).entries())
      writeFileSync(join(consumer, 'src', `${name}-${i}.ts`), withFreePorts(code))
  }
  const imports = packages
    .flatMap(({ entryPoints }) => entryPoints)
    .map(
      ({ specifier }, i) =>
        `import * as all${i} from '${specifier}'\nconsole.log(Object.keys(all${i}).length)\n`,
    )
  writeFileSync(join(consumer, 'src/every-entry-point.ts'), imports.join(''))
  // Builds, packs and installs: on a machine that does other things besides it takes minutes.
}, 600_000)

afterAll(async () => {
  await fakes?.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe('the packages, packed and installed by npm in an empty folder', () => {
  it('hold what they should and nothing else', async () => {
    const consumer = join(folder, 'consumer/node_modules')
    for (const { name, entryPoints } of packages) {
      const files = readdirSync(join(consumer, name), { recursive: true, encoding: 'utf8' })
      const wanted = ['README.md', 'LICENSE', 'CHANGELOG.md', 'package.json']
      for (const { types, source } of entryPoints)
        wanted.push(types.slice(2), source.slice(2), types.slice(2).replace(/d[.]ts$/, 'js.map'))
      const missing = wanted.filter((file) => !files.includes(file))
      const unwanted = files.filter((file) => /[.]test[.]|tsbuildinfo$|^(test|bench|e2e)\b/.test(file))
      expect({ name, missing, unwanted }).toEqual({ name, missing: [], unwanted: [] })
      const manifest: unknown = JSON.parse(readFileSync(join(consumer, name, 'package.json'), 'utf8'))
      expect(manifest).toMatchObject({ name, type: 'module', license: 'MIT', engines: { node: '>=20.19' } })
      // What a bundler may leave out: a list of files, or none.
      expect(manifest).toHaveProperty('sideEffects')
    }
  })

  it('compile under strict settings: every entry point and every example of a README', async () => {
    const { stdout } = await run(join(root, 'node_modules/.bin/tsc'), ['-p', '.'], {
      cwd: join(folder, 'consumer'),
    }).catch((error: { stdout: string }) => error)
    // Nor do the declarations of a third party, which the compiler sees where ours name them, want anything: types of a browser, say.
    expect(stdout).toBe('')
  })

  it('load', async () => {
    const { stdout } = await run('node', ['out/every-entry-point.js'], {
      cwd: join(folder, 'consumer'),
      env: strangersEnvironment,
    })
    expect(stdout.trim().split('\n')).toHaveLength(packages.flatMap(({ entryPoints }) => entryPoints).length)
    expect(stdout).not.toMatch(/^0$/m)
  })

  const examples = packages.flatMap(({ folder: name }) =>
    examplesOf(name).map(({ prints }, number) => ({ name, number, prints })),
  )

  it.each(packages)('$folder has a README that begins with an example', ({ folder: name }) => {
    expect(examplesOf(name)[0]?.prints).toEqual(expect.any(String))
  })

  it.each(examples.filter(({ prints }) => prints !== null))(
    'the README of $name says what its example prints',
    async ({ name, number, prints }) => {
      const { stdout } = await run('node', [`out/${name}-${number}.js`], {
        cwd: join(folder, 'consumer'),
        env: strangersEnvironment,
        timeout: 110_000,
      })
      expect(stdout).toBe(prints)
    },
  )

  it('replicate the service that the README of replica shows, through two kills and a kill of all', async () => {
    const start = (id: number) =>
      spawn('node', ['out/replica-1.js', `${id}`], {
        cwd: join(folder, 'consumer'),
        env: strangersEnvironment,
        stdio: 'ignore',
      })
    const replicas = [0, 1, 2].map(start)
    const kill = async (id: number): Promise<void> => {
      const replica = replicas[id]
      if (replica === undefined || replica.exitCode !== null || replica.signalCode !== null) return
      replica.kill('SIGKILL')
      await once(replica, 'exit')
    }
    try {
      expect(await ask(1, { method: 'POST', body: '5' })).toBe('5\n')
      await kill(0)
      await kill(2)
      expect(await ask(1, { method: 'POST', body: '6' })).toBe('11\n')
      await kill(1)
      for (const id of [2, 0, 1]) replicas[id] = start(id)
      expect(await ask(2)).toBe('11\n')
    } finally {
      for (const id of [0, 1, 2]) await kill(id)
    }
  })
})

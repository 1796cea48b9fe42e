// `pnpm check`: everything that must hold before a change is taken, one named step after the other; the first that fails
// ends it. The steps that only read come first because they are quick.
//
//   --without tests      leaves a step out (CI has just run the tests through `pnpm test`)
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { publicPackages, root } from './public-packages.mjs'

const bin = join(root, 'node_modules', '.bin')

/**
 * `live` steps take long and show their output as it comes; the others only when they fail.
 * @type {readonly { name: string, commands: readonly string[][], remedy: string, live?: boolean }[]}
 */
const steps = [
  {
    name: 'generated code',
    commands: [['node', 'scripts/generate.mjs']],
    remedy: 'Mend the .proto file or the buf.gen.yaml that is named above.',
  },
  {
    name: 'types',
    commands: [['tsc', '-b']],
    remedy: 'Mend the types; `pnpm types` runs this step alone.',
  },
  {
    name: 'lint',
    commands: [
      ['biome', 'lint', '--error-on-warnings'],
      ['oxlint', '--type-aware', '--deny-warnings'],
    ],
    remedy: 'Mend the code, not the rule; `pnpm lint` runs this step alone.',
  },
  {
    name: 'format',
    commands: [['biome', 'check', '--linter-enabled=false']],
    remedy: 'Run `pnpm format`.',
  },
  {
    name: 'protocol',
    commands: [['buf', 'lint']],
    remedy: 'Mend the .proto file; `pnpm exec buf lint` runs this step alone.',
  },
  {
    name: 'boundaries',
    commands: [['node', 'scripts/boundaries.mjs']],
    remedy:
      'Move the code or the import; .dependency-cruiser.cjs says which arrows exist. `pnpm boundaries` runs this step alone.',
  },
  {
    name: 'dead code',
    commands: [['knip']],
    remedy: 'Remove what nobody uses; `pnpm dead-code` runs this step alone.',
  },
  {
    name: 'packages',
    commands: [
      ...publicPackages().map(({ directory }) => ['publint', 'run', directory, '--pack=false', '--strict']),
      ['node', 'scripts/packed-types.mjs'],
    ],
    remedy: 'Mend the package.json that is named above: somebody who installs that package would stumble.',
  },
  {
    name: 'public API',
    commands: [['node', 'scripts/api-report.mjs']],
    remedy: '`pnpm api:accept` writes the change down in api/, if it is meant.',
  },
  {
    name: 'API documentation',
    commands: [['node', 'scripts/api-docs.mjs']],
    remedy: 'Export what is named above, or mend the link; `pnpm api:docs` runs this step alone.',
  },
  {
    name: 'tests',
    commands: [['vitest', 'run']],
    remedy: '`pnpm test <part of a file name>` runs some of them.',
    live: true,
  },
]

/**
 * @param {readonly string[]} command
 * @param {boolean} live
 * @returns {Promise<{ ok: boolean, output: string }>}
 */
function run([program = '', ...args], live) {
  return new Promise((done, failed) => {
    const file = program === 'node' ? process.execPath : join(bin, program)
    const child = spawn(file, args, {
      cwd: root,
      stdio: ['ignore', live ? 'inherit' : 'pipe', live ? 'inherit' : 'pipe'],
    })
    let output = ''
    const keep = (/** @type {Buffer} */ chunk) => {
      output += chunk.toString()
    }
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    child.once('error', failed)
    child.once('close', (code) => done({ ok: code === 0, output }))
  })
}

const { values } = parseArgs({ options: { without: { type: 'string', multiple: true, default: [] } } })
const without = new Set(values.without)
for (const name of without) {
  if (!steps.some((step) => step.name === name)) {
    process.stderr.write(
      `There is no step "${name}". The steps are: ${steps.map((step) => step.name).join(', ')}.\n`,
    )
    process.exit(2)
  }
}

for (const { name, commands, remedy, live = false } of steps) {
  if (without.has(name)) {
    process.stdout.write(`- ${name}: left out\n`)
    continue
  }
  const began = performance.now()
  if (live) process.stdout.write(`… ${name}\n`)
  for (const command of commands) {
    const { ok, output } = await run(command, live)
    if (ok) continue
    process.stdout.write(`${output}\n✗ ${name}: \`${command.join(' ')}\` failed. ${remedy}\n`)
    process.exit(1)
  }
  process.stdout.write(`✓ ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)\n`)
}

// What others rely on, written down in api/: the declarations of every public package, and the protocol. Fails when that is not what the sources say, so
// that nobody changes it without noticing, and a review shows the change.
//
//   --accept             (`pnpm api:accept`) writes the present state into api/; refuses a change of the protocol that breaks those who speak the old one
//   --accept-breaking    writes that too
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { declarationsOf, readDeclarations } from './public-declarations.mjs'
import { publicPackages, root } from './public-packages.mjs'

const accepted = join(root, 'api')
const present = join(root, '.cache', 'api')
const protocol = 'protocol.json'

/**
 * @param {string} program
 * @param {readonly string[]} args
 */
function run(program, args) {
  const { status, stdout, stderr } = spawnSync(join(root, 'node_modules', '.bin', program), args, {
    cwd: root,
    encoding: 'utf8',
  })
  return { ok: status === 0, output: `${stdout}${stderr}` }
}

/**
 * @param {string} output
 * @returns {never}
 */
function end(output) {
  process.stdout.write(`${output}\n`)
  process.exit(1)
}

const { values } = parseArgs({
  options: { accept: { type: 'boolean' }, 'accept-breaking': { type: 'boolean' } },
})
const packages = publicPackages()
const built = run('tsc', ['-b', ...packages.map(({ directory }) => directory)])
if (!built.ok) end(`The packages could not be built.\n${built.output}`)

rmSync(present, { recursive: true, force: true })
mkdirSync(present, { recursive: true })
const program = readDeclarations(packages)
for (const pkg of packages) writeFileSync(join(present, `${pkg.folder}.md`), declarationsOf(program, pkg))
const image = run('buf', ['build', '--exclude-source-info', '--output', join(present, protocol)])
if (!image.ok) end(image.output)
writeFileSync(
  join(present, protocol),
  `${JSON.stringify(JSON.parse(readFileSync(join(present, protocol), 'utf8')), null, 2)}\n`,
)

if (existsSync(join(accepted, protocol)) && !values['accept-breaking']) {
  const breaking = run('buf', ['breaking', '--against', join(accepted, protocol)])
  if (!breaking.ok)
    end(
      `${breaking.output}\nThis breaks those who speak the protocol of api/${protocol}. Add fields instead of changing them; \`node scripts/api-report.mjs --accept-breaking\` if it is meant.`,
    )
}

const names = readdirSync(present).sort()
if (values.accept || values['accept-breaking']) {
  rmSync(accepted, { recursive: true, force: true })
  mkdirSync(accepted)
  for (const name of names) writeFileSync(join(accepted, name), readFileSync(join(present, name)))
  process.stdout.write(`api/ now says what ${packages.length} packages and the protocol are.\n`)
} else {
  const differ = [...new Set([...names, ...(existsSync(accepted) ? readdirSync(accepted) : [])])].filter(
    (name) => {
      const [old, now] = [join(accepted, name), join(present, name)]
      return !existsSync(old) || !existsSync(now) || readFileSync(old, 'utf8') !== readFileSync(now, 'utf8')
    },
  )
  if (differ.length > 0) {
    const { stdout } = spawnSync('git', ['diff', '--no-index', '--no-color', '-U2', accepted, present], {
      encoding: 'utf8',
    })
    end(
      `${stdout}\nWhat others rely on has changed: ${differ.join(', ')}. If that is meant, write it down with \`pnpm api:accept\`, and add a changeset (\`pnpm changeset\`).`,
    )
  }
  process.stdout.write(`${packages.length} packages and the protocol are what api/ says.\n`)
}

// Generates TypeScript from proto/ into src/gen of the packages that use it, and does nothing when that is fresh.
//
// Every script that needs the generated code preloads or runs this file, so it must be quick when there is nothing
// to do, silent on stdout, and harmless when two processes run it at once: files are written beside and renamed,
// files that did not change are left alone, and the stamp that says "fresh" is written last.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const bin = join(root, 'node_modules', '.bin')
const stampName = '.inputs.sha256'

/** The packages that hold generated code; each has a buf.gen.yaml that says what it wants. */
const targets = ['packages/transport-grpc', 'packages/state-machine', 'apps/server']

/**
 * Paths of all files under a directory, relative to it, sorted; empty if the directory does not exist.
 * @param {string} directory
 * @returns {Promise<string[]>}
 */
async function filesUnder(directory) {
  if (!existsSync(directory)) return []
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort()
}

/**
 * One hash over everything that decides what is generated: protos, templates, this file and the generators' versions.
 * @param {string} target
 * @returns {Promise<string>}
 */
async function inputsOf(target) {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const hash = createHash('sha256')
  hash.update(`${manifest.devDependencies['ts-proto']} ${manifest.devDependencies['@bufbuild/buf']}\n`)
  const protos = (await filesUnder(join(root, 'proto'))).filter((file) => file.endsWith('.proto'))
  const files = [
    'buf.yaml',
    join(target, 'buf.gen.yaml'),
    'scripts/generate.mjs',
    ...protos.map((file) => join('proto', file)),
  ]
  for (const file of files) hash.update(`${file}\n`).update(await readFile(join(root, file)))
  return hash.digest('hex')
}

/**
 * @param {string} file
 * @returns {Promise<string | undefined>}
 */
async function textOf(file) {
  return await readFile(file, 'utf8').catch(() => undefined)
}

/**
 * Runs buf for one package into a directory of its own, then moves what changed into the package.
 * @param {string} target
 * @param {string} inputs
 */
async function generate(target, inputs) {
  const destination = join(root, target, 'src', 'gen')
  await mkdir(destination, { recursive: true })
  await mkdir(join(root, '.cache'), { recursive: true })
  const fresh = await mkdtemp(join(root, '.cache', 'generate-'))
  try {
    await run(join(bin, 'buf'), ['generate', '--template', join(target, 'buf.gen.yaml'), '--output', fresh], {
      cwd: root,
      env: { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` },
    })
    const files = await filesUnder(fresh)
    for (const file of files) {
      const to = join(destination, file)
      if ((await textOf(to)) === (await textOf(join(fresh, file)))) continue
      await mkdir(dirname(to), { recursive: true })
      await rename(join(fresh, file), to)
    }
    const wanted = new Set(files)
    for (const file of await filesUnder(destination)) {
      if (!file.startsWith('.') && !wanted.has(file)) await rm(join(destination, file), { force: true })
    }
    await writeFile(join(fresh, stampName), `${inputs}\n`)
    await rename(join(fresh, stampName), join(destination, stampName))
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}

for (const target of targets) {
  const inputs = await inputsOf(target)
  if ((await textOf(join(root, target, 'src', 'gen', stampName)))?.trim() === inputs) continue
  try {
    await generate(target, inputs)
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? error.stderr : undefined
    const detail = typeof said === 'string' && said !== '' ? said : String(error)
    process.stderr.write(`${target}: code could not be generated from proto/.\n${detail.trim()}\n`)
    process.exit(1)
  }
}

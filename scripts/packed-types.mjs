// Packs every public package as a registry would get it, and asks the checker behind `attw --profile esm-only` whether its types are found however it is imported.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publicPackages, root } from './public-packages.mjs'

/** How nobody can import an ES module: the resolution of Node 10, and `require` before Node 20.19. */
const outOfScope = new Set(['node10', 'node16-cjs'])

/**
 * What is wrong with the types of a package, one sentence each.
 * @param {Uint8Array} tarball
 * @returns {Promise<string[]>}
 */
async function wrongTypes(tarball) {
  const result = await checkPackage(createPackageFromTarballData(tarball))
  if (!result.types) return ['It has no types.']
  return result.problems
    .filter((problem) => !('resolutionKind' in problem && outOfScope.has(problem.resolutionKind)))
    .filter((problem) => !('resolutionOption' in problem && outOfScope.has(problem.resolutionOption)))
    .map((problem) => JSON.stringify(problem))
}

const packages = publicPackages()
const directory = mkdtempSync(join(tmpdir(), 'packed-'))
try {
  const filters = packages.flatMap(({ name }) => ['--filter', name])
  const { stdout, stderr } = spawnSync(
    'npx',
    ['-y', 'pnpm@12.21.0', '-r', ...filters, 'pack', '--pack-destination', directory],
    { cwd: root, encoding: 'utf8' },
  )
  const tarballs = readdirSync(directory).sort()
  if (tarballs.length !== packages.length) {
    process.stdout.write(
      `${stdout}${stderr}\n${packages.length} packages gave ${tarballs.length} tarballs.\n`,
    )
    process.exitCode = 1
  }
  for (const tarball of tarballs) {
    for (const problem of await wrongTypes(readFileSync(join(directory, tarball)))) {
      process.stdout.write(`${tarball}: ${problem}\n`)
      process.exitCode = 1
    }
  }
  process.stdout.write(`${tarballs.length} packages packed, types looked for in each.\n`)
} finally {
  rmSync(directory, { recursive: true, force: true })
}

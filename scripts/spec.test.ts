import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const spec = readFileSync(join(root, 'SPEC.md'), 'utf8')

/** What SPEC.md calls `core/` for short. */
function whole(path: string): string {
  return path.startsWith('core/') ? `packages/replica/src/${path}` : path
}

/** Everything in backticks that looks like a path of this repository. */
const paths = [
  ...new Set(
    [...spec.matchAll(/`((?:core|packages|apps|scripts)\/[\w./-]*)`/g)].map(([, path = '']) => whole(path)),
  ),
]

/** Tests by file and titles: `file` "title", "title". */
const tests = [...spec.matchAll(/`([\w./-]+\.test\.ts)`((?:,? "[^"]+")+)/g)].flatMap(
  ([, file = '', titles = '']) =>
    [...titles.matchAll(/"([^"]+)"/g)].map(([, title = '']) => ({ file, title })),
)

describe('SPEC.md', () => {
  it('names many files and tests, or this test sees nothing', () => {
    expect(paths.length).toBeGreaterThan(30)
    expect(tests.length).toBeGreaterThan(20)
  })

  it.each(paths)('names a file that exists: %s', (path) => {
    expect(existsSync(join(root, path))).toBe(true)
  })

  it.each(tests)('names a test that exists: $file "$title"', ({ file, title }) => {
    expect(readFileSync(join(root, file), 'utf8')).toContain(`'${title}'`)
  })

  it('numbers its invariants without a gap', () => {
    const numbers = [...spec.matchAll(/^\| (\d+) \|/gm)].map(([, number]) => Number(number))
    expect(numbers).toEqual(numbers.map((_, at) => at + 1))
    expect(numbers.length).toBeGreaterThanOrEqual(15)
  })

  it('names functions that exist where it says', () => {
    const named = [...spec.matchAll(/`((?:core|packages)\/[\w./-]+\.ts)` \(`(\w+)`\)/g)]
    expect(named.length).toBeGreaterThan(5)
    for (const [, file = '', name = ''] of named)
      expect(readFileSync(join(root, whole(file)), 'utf8'), `${name} in ${file}`).toMatch(
        new RegExp(`\\b${name}\\b`),
      )
  })
})

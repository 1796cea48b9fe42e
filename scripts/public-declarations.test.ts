import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { declarationsOf, readDeclarations } from './public-declarations.mjs'

let directory: string

const files = {
  'dist/index.d.ts': `
    /** Its words may change. */
    export { type Shape, area as sizeOf } from './shape.js';
    export * as units from './units.js';
    export declare const limit: 5;`,
  'dist/shape.d.ts': `
    import { type Unit } from './units.js';
    interface Corner { readonly x: number; }
    interface Unseen { readonly nobodyRefersToIt: true; }
    export interface Shape extends Iterable<number> {
        // The corners.
        readonly corners: readonly Corner[];
    }
    export declare function area(shape: Shape, unit?: Unit): Promise<number>;
    export declare function area(shape: null): null;`,
  'dist/units.d.ts': `export type Unit = 'cm' | 'm';`,
}

/** Of packages that differ from the one above by these files. All in one go: most of the time goes into reading the libraries. */
function reportsOf(...variants: Partial<typeof files>[]): string[] {
  const packages = variants.map((changes, i) => {
    const home = join(directory, `shapes-${i}`)
    for (const [file, text] of Object.entries({ ...files, ...changes })) {
      mkdirSync(dirname(join(home, file)), { recursive: true })
      writeFileSync(join(home, file), text)
    }
    writeFileSync(join(home, 'package.json'), '{ "name": "shapes", "type": "module" }')
    const entryPoints = [{ specifier: 'shapes', source: './src/index.ts', types: './dist/index.d.ts' }]
    return { folder: 'shapes', directory: home, name: 'shapes', entryPoints }
  })
  const program = readDeclarations(packages)
  return packages.map((pkg) => declarationsOf(program, pkg))
}

beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'declarations-')))
})

afterEach(() => {
  rmSync(directory, { recursive: true })
})

describe('the report of what a package exports', () => {
  it('has every export by its public name, and what it refers to', () => {
    expect(reportsOf({})).toEqual([
      `# shapes

## shapes

\`\`\`ts
interface Shape extends Iterable<number> {
    readonly corners: readonly Corner[];
}

const limit: 5;

sizeOf: function area(shape: Shape, unit?: Unit): Promise<number>;
sizeOf: function area(shape: null): null;

namespace units {
    type Unit = 'cm' | 'm';
}
\`\`\`

## Referred to, not exported

\`\`\`ts
interface Corner {
    readonly x: number;
}
\`\`\`
`,
    ])
  })

  it('differs after a change that somebody could notice, and only then', () => {
    const { 'dist/index.d.ts': index, 'dist/shape.d.ts': shape } = files
    const [before, comment, unreachable, ...noticed] = reportsOf(
      {},
      { 'dist/index.d.ts': index.replace('Its words', 'Words') },
      { 'dist/shape.d.ts': shape.replace('nobodyRefersToIt: true', 'other: false') },
      { 'dist/index.d.ts': index.replace('type Shape, ', '') },
      { 'dist/shape.d.ts': shape.replace('unit?:', 'unit:') },
      { 'dist/index.d.ts': index.replace(': 5', ': 6') },
      { 'dist/shape.d.ts': shape.replace('x:', 'y:') },
      { 'dist/units.d.ts': `export type Unit = 'cm';` },
    )
    expect([comment, unreachable]).toEqual([before, before])
    expect(new Set([before, ...noticed]).size).toBe(6)
  })

  it('refuses a package that is not built', () => {
    expect(() => reportsOf({ 'dist/index.d.ts': '' })).toThrow('exports nothing. Build it first.')
  })
})

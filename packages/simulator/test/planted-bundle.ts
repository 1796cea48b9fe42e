import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { allMutations } from '../mutations/all.ts'
import type { Edit, Mutation } from '../mutations/mutation.ts'
import type * as Simulator from '../src/index.ts'

const root = resolve(import.meta.dirname, '../../..')

/** The simulator with this mistake in what it simulates. */
export async function importWithMistake(
  name: string,
  directory: string,
): Promise<{ readonly mutation: Mutation; readonly simulator: typeof Simulator }> {
  const mutation = allMutations.find((candidate) => candidate.name === name)
  if (mutation === undefined) throw new Error(`no mutation ${name}`)
  const file = join(directory, `${name.replaceAll(' ', '-')}.mjs`)
  await bundleSimulator(mutation, file)
  return { mutation, simulator: (await import(pathToFileURL(file).href)) as typeof Simulator }
}

/** The simulator, and all that it simulates, in one file: with a mistake put into the sources on the way. */
async function bundleSimulator(mutation: Mutation, outfile: string): Promise<void> {
  const edits = new Map<string, Edit[]>()
  for (const edit of mutation.edits) {
    const path = join(root, edit.file)
    edits.set(path, [...(edits.get(path) ?? []), edit])
  }
  const applied = new Set<string>()
  await build({
    entryPoints: [join(root, 'packages/simulator/src/index.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    conditions: ['@chatroom/source'],
    logLevel: 'silent',
    plugins: [plant(edits, applied)],
  })
  for (const path of edits.keys())
    if (!applied.has(path)) throw new Error(`${mutation.name}: ${path} is not part of the simulator`)
}

function plant(edits: ReadonlyMap<string, readonly Edit[]>, applied: Set<string>): Plugin {
  return {
    name: 'plant',
    setup(builder) {
      builder.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const mine = edits.get(path)
        if (mine === undefined) return undefined
        applied.add(path)
        return { contents: mine.reduce(change, await readFile(path, 'utf8')), loader: 'ts' }
      })
    },
  }
}

/** Throws unless the text stands there exactly once: a mistake that is not made is not found either. */
export function change(source: string, { file, find, replace }: Edit): string {
  const found = source.split(find).length - 1
  if (found !== 1) throw new Error(`${file}: stands there ${found} times instead of once: ${find}`)
  return source.replace(find, () => replace)
}

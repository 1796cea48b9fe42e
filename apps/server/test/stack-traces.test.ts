import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { buildSync } from 'esbuild'
import { expect, onTestFinished, test } from 'vitest'
import { writtenStack } from '../src/stack-traces.ts'

test('a stack from a bundle shows the lines that were written', () => {
  const directory = mkdtempSync(join(tmpdir(), 'chatroom-stack-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const source = join(directory, 'faulty.ts')
  const bundle = join(directory, 'bundle.mjs')
  writeFileSync(
    source,
    'interface Nothing {}\nconst nothing: Nothing = {}\nthrow Object.assign(new Error(), nothing)\n',
  )
  buildSync({ entryPoints: [source], outfile: bundle, bundle: true, format: 'esm', sourcemap: true })
  const { stderr } = spawnSync(process.execPath, [bundle], { encoding: 'utf8' })
  expect(stderr).toMatch(/at .*bundle\.mjs:\d+:\d+/)
  const written = writtenStack(stderr)
  expect(written).toContain(`at ${pathToFileURL(source).href}:3:21`)
  expect(written).not.toMatch(/at .*bundle\.mjs/)
})

test('a stack stays as it is where nothing was bundled', () => {
  const { stack } = new Error('thrown')
  if (stack === undefined) throw new Error('an error without a stack')
  expect(writtenStack(stack)).toBe(stack)
})

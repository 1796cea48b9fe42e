// Makes apps/server/dist/server.js: the whole of a replica's program in one file, beside a few that are loaded when they are needed. Node opens, resolves and compiles some
// 700 modules otherwise, which is most of what a start takes.
//
// Made from the sources, so that it is never older than they are.
import { readdirSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import './generate.mjs'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const app = join(root, 'apps/server')
const to = join(app, 'dist')

/** Native code, and packages that read files of their own. */
const external = ['@node-rs/*', '@grpc/reflection', '@grpc/proto-loader']

/** Packages that were written for `require` look for these. */
const banner = `import { createRequire as chatroomRequire } from 'node:module'
import { fileURLToPath as chatroomPath } from 'node:url'
const require = chatroomRequire(import.meta.url), __filename = chatroomPath(import.meta.url), __dirname = chatroomPath(new URL('.', import.meta.url))
`

export async function bundleServer() {
  const { metafile } = await build({
    absWorkingDir: app,
    entryPoints: { server: 'src/main.ts' },
    outdir: to,
    // Beside the program, where a file's path relative to its own is the same as in the sources.
    chunkNames: 'server.[name]-[hash]',
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@chatroom/source'],
    external,
    sourcemap: true,
    sourcesContent: false,
    banner: { js: banner },
    metafile: true,
    logLevel: 'warning',
  })
  const made = new Set(Object.keys(metafile.outputs).map((file) => join(app, file)))
  for (const name of readdirSync(to))
    if (/^server\..*\.js(\.map)?$/.test(name) && !made.has(join(to, name))) rmSync(join(to, name))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundleServer()

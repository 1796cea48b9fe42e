// Makes the API documentation of all public packages from their sources, in .cache/docs, and fails when an exported thing refers to one that nobody can look
// up, or a link leads nowhere.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Application, LogLevel } from 'typedoc'
import { publicPackages, root } from './public-packages.mjs'

const packages = publicPackages()
const docs = join(root, '.cache', 'docs')
const parts = join(root, '.cache', 'docs-parts')
for (const directory of [docs, parts]) {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
}

let complete = true
// One by one: typedoc misses nothing of a package other than the one it believes to be in.
for (const { folder, name, directory, entryPoints } of packages) {
  const app = await Application.bootstrap({
    name,
    entryPoints: entryPoints.map(({ source }) => join(directory, source)),
    tsconfig: join(root, 'tsconfig.docs.json'),
    readme: join(directory, 'README.md'),
    disableSources: true,
    excludeInternal: true,
    // The compiler has done that.
    skipErrorChecking: true,
    logLevel: LogLevel.Warn,
    validation: {
      notExported: true,
      invalidLink: true,
      invalidPath: true,
      rewrittenLink: true,
      notDocumented: false,
    },
  })
  const project = await app.convert()
  if (project === undefined) process.exit(1)
  app.validate(project)
  if (app.logger.hasErrors() || app.logger.hasWarnings()) complete = false
  await app.generateJson(project, join(parts, `${folder}.json`))
}
if (!complete) {
  process.stdout.write('Export what is named above, or mend the link.\n')
  process.exit(1)
}

const app = await Application.bootstrap({
  name: 'Chatroom',
  entryPointStrategy: 'merge',
  entryPoints: packages.map(({ folder }) => join(parts, `${folder}.json`)),
  readme: 'none',
  logLevel: LogLevel.Warn,
})
const project = await app.convert()
if (project === undefined) process.exit(1)
await app.generateDocs(project, docs)
process.stdout.write(`${packages.length} packages are documented in .cache/docs.\n`)

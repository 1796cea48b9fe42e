// The packages that others install, as their package.json files have it.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')

/**
 * @typedef {object} PublicPackage
 * @property {string} folder below `packages/`
 * @property {string} directory absolute
 * @property {string} name as it is imported
 * @property {readonly { specifier: string, source: string, types: string }[]} entryPoints files relative to the directory
 */

/** @returns {PublicPackage[]} by folder */
export function publicPackages() {
  return readdirSync(join(root, 'packages'))
    .sort()
    .filter((folder) => existsSync(join(root, 'packages', folder, 'package.json')))
    .flatMap((folder) => {
      const directory = join(root, 'packages', folder)
      const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
      if (manifest.private) return []
      const entryPoints = Object.entries(manifest.exports).map(([path, target]) => ({
        specifier: join(manifest.name, path),
        source: target['@chatroom/source'],
        types: target.types,
      }))
      return [{ folder, directory, name: manifest.name, entryPoints }]
    })
}

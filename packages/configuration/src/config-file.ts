import { readFileSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { ConfigurationError } from './error.ts'
import { fileOptions } from './options.ts'

/** The config file that is used if none is named and it is there. */
const configFileName = 'chatroom.config.json'

/** What a config file says, not checked but for its keys. */
export interface ConfigFile {
  /** As messages call it. */
  readonly shownName: string
  /** Relative paths in the file start here. */
  readonly directory: string
  readonly values: ReadonlyMap<string, unknown>
}

/**
 * Reads the config file: the named one, which must be there, or `chatroom.config.json` of the working directory if there is one.
 * @throws ConfigurationError if it cannot be read, is no JSON object, or has a key that is no option.
 */
export function readConfigFile(
  named: { readonly path: string; readonly givenAt: string } | null,
  workingDirectory: string,
): ConfigFile | null {
  const file = resolve(workingDirectory, named?.path ?? configFileName)
  const shownName = named?.path ?? basename(file)
  const text = readText(file, named === null ? null : `${named.givenAt}: ${named.path}`, shownName)
  if (text === null) return null
  const object = parseObject(text, shownName)
  for (const key of object.keys()) if (!known.has(key)) throw unknownKey(key, shownName)
  return { shownName, directory: dirname(file), values: object }
}

const known: ReadonlySet<string> = new Set(fileOptions.map((option) => option.key))

function readText(file: string, mustExistAs: string | null, shownName: string): string | null {
  try {
    return readFileSync(file, 'utf8').replace(/^\uFEFF/, '')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code === 'ENOENT' && mustExistAs === null) return null
    const where = mustExistAs ?? shownName
    const why =
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'EISDIR'
          ? 'is a directory, not a file'
          : code === 'EACCES' || code === 'EPERM'
            ? 'may not be read by this user'
            : `cannot be read (${cause instanceof Error ? cause.message : String(cause)})`
    throw new ConfigurationError('config file', `${where}: ${why}.`, { cause })
  }
}

function parseObject(text: string, shownName: string): Map<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ConfigurationError('config file', `${shownName}: is not JSON (${why}).`, { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigurationError(
      'config file',
      `${shownName}: has to be a JSON object, such as {"clientPort": 9600}.`,
    )
  }
  return new Map<string, unknown>(Object.entries(value))
}

function unknownKey(key: string, shownName: string): ConfigurationError {
  const plain = (name: string): string => name.toLowerCase().replace(/[^a-z]/g, '')
  const meant = [...known].find((name) => plain(name) === plain(key))
  const advice = meant === undefined ? `Known are ${[...known].join(', ')}` : `Did you mean ${meant}?`
  return new ConfigurationError(
    'unknown name',
    `${shownName}: ${JSON.stringify(key)} is no option. ${advice}${meant === undefined ? '.' : ''}`,
  )
}

import { resolve } from 'node:path'
import { type ConfigFile, readConfigFile } from './config-file.ts'
import { ConfigurationError } from './error.ts'
import type { Option } from './option.ts'
import { config, fileOptions } from './options.ts'

/** Where a value came from. Flags win over the environment, that over the config file, that over defaults. */
export interface Source {
  readonly kind: 'flag' | 'environment' | 'file' | 'default'
  /** As messages call it: `--client-port`, `CHATROOM_CLIENT_PORT`, `chatroom.config.json: clientPort`. */
  readonly name: string
}

/** What was given, before anything was checked. */
export interface Given {
  /** By the option's key: the text of a flag, or true or false for a switch. */
  readonly flags: ReadonlyMap<string, string | boolean>
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly workingDirectory: string
}

/** The checked values of a program's options. */
export interface Settings {
  /** The value of one of the program's options. */
  get<T>(option: Option<T>): T
  /** The same where the program cannot do without. @throws ConfigurationError if it was given nowhere. */
  require<T>(option: Option<T | null>): T
  /** A path option made absolute: relative to the working directory, or to the config file that names it. */
  path(option: Option<string>): string
  /** The same for a path that need not be given; null if it is not. */
  optionalPath(option: Option<string | null>): string | null
  source(option: Option<unknown>): Source
  /**
   * Command line flags that set what is not the default, for another program or for a line that the user may type. Of `options`, only those
   * that came from one of `kinds`. Paths from the config file are absolute.
   */
  flags(options: readonly Option<unknown>[], kinds: readonly Source['kind'][]): string[]
}

interface Raw {
  readonly source: Source
  readonly value: unknown
  readonly directory: string
}

/**
 * Puts together and checks what was given for `options`. The whole config file is checked, also what this program does not take.
 * @throws ConfigurationError that names the place of the first value that cannot be used.
 */
export function resolveSettings(options: readonly Option<unknown>[], given: Given): Settings {
  const raw = new Map<string, Raw>()
  const find = (option: Option<unknown>, file: ConfigFile | null): void => {
    const found = rawOf(option, given, file)
    if (found === null) return
    raw.set(option.key, found)
    parse(option, found)
  }
  find(config, null)
  const settings = view(options, raw, given.workingDirectory)
  const named = raw.get(config.key)
  const file = readConfigFile(
    named === undefined ? null : { path: String(named.value), givenAt: named.source.name },
    given.workingDirectory,
  )
  for (const option of options) if (option.key !== config.key) find(option, file)
  if (file !== null) {
    for (const option of fileOptions) {
      const found = fromFile(option, file)
      if (found !== null) parse(option, found)
    }
  }
  return settings
}

function rawOf(option: Option<unknown>, given: Given, file: ConfigFile | null): Raw | null {
  const directory = given.workingDirectory
  const flag = given.flags.get(option.key)
  if (flag !== undefined) return { source: { kind: 'flag', name: option.flag }, value: flag, directory }
  const variable = option.environment === null ? undefined : given.environment[option.environment]
  if (option.environment !== null && variable !== undefined && variable !== '') {
    return { source: { kind: 'environment', name: option.environment }, value: variable, directory }
  }
  return file === null ? null : fromFile(option, file)
}

function fromFile(option: Option<unknown>, file: ConfigFile): Raw | null {
  if (!file.values.has(option.key) || option.environment === null) return null
  const source: Source = { kind: 'file', name: `${file.shownName}: ${option.key}` }
  return { source, value: file.values.get(option.key), directory: file.directory }
}

function parse<T>(option: Option<T>, raw: Raw): T {
  const result = option.schema.safeParse(raw.value)
  if (result.success) return result.data
  const why = result.error.issues[0]?.message ?? 'cannot be used'
  throw new ConfigurationError('invalid value', `${raw.source.name}: ${why}.`, { cause: result.error })
}

function view(
  options: readonly Option<unknown>[],
  raw: ReadonlyMap<string, Raw>,
  workingDirectory: string,
): Settings {
  const declared = new Set(options.map((option) => option.key))
  const of = (option: Option<unknown>): Raw | undefined => {
    if (!declared.has(option.key))
      throw new TypeError(`this program does not declare the option ${option.key}`)
    return raw.get(option.key)
  }
  const get = <T>(option: Option<T>): T => {
    const found = of(option)
    return found === undefined ? option.fallback : parse(option, found)
  }
  const path = (option: Option<string>): string => {
    return resolve(of(option)?.directory ?? workingDirectory, get(option))
  }
  return {
    get,
    path,
    optionalPath: (option) => {
      const value = get(option)
      return value === null ? null : resolve(of(option)?.directory ?? workingDirectory, value)
    },
    require: <T>(option: Option<T | null>): T => {
      const value = get(option)
      if (value !== null) return value
      const places = [option.flag, option.environment].filter((place) => place !== null)
      const usage = option.placeholder === null ? option.flag : `${option.flag} <${option.placeholder}>`
      throw new ConfigurationError(
        'missing value',
        `${option.flag}: is needed (${option.help}); give ${usage}${places.length > 1 ? ` or set ${option.environment}` : ''}.`,
      )
    },
    source: (option) => of(option)?.source ?? { kind: 'default', name: option.flag },
    flags: (wanted, kinds) =>
      wanted.flatMap((option) => {
        const found = of(option)
        return found !== undefined && kinds.includes(found.source.kind) ? flagsOf(option, found) : []
      }),
  }
}

/** The value as flags that mean the same anywhere. */
function flagsOf(option: Option<unknown>, raw: Raw): string[] {
  if (option.placeholder === null) {
    return [parse(option, raw) === true ? option.flag : option.flag.replace(/^--/, '--no-')]
  }
  const { value } = raw
  if (raw.source.kind === 'file' && (option.placeholder === 'directory' || option.placeholder === 'file')) {
    return [option.flag, resolve(raw.directory, String(value))]
  }
  return [option.flag, Array.isArray(value) ? value.join(',') : String(value)]
}

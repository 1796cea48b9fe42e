import { Command, CommanderError, Option as CommanderOption } from 'commander'
import { ConfigurationError } from './error.ts'
import { LostOutput, watchOutput } from './lost-output.ts'
import type { Option } from './option.ts'
import { config } from './options.ts'
import { printableText } from './printable.ts'
import { resolveSettings, type Settings } from './settings.ts'

/** What a program takes from the process it runs in. */
export interface Surroundings {
  /** The command line after the program's own name. */
  readonly arguments: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly workingDirectory: string
  readonly stdout: (text: string) => void
  readonly stderr: (text: string) => void
  /** Drives the terminal on standard output: control sequences as they are. */
  readonly control: (sequence: string) => void
}

/** An argument that is no option. */
export interface Argument {
  /** `<name>` if it is needed, `[name]` if not, `[name...]` for any number. */
  readonly name: string
  readonly help: string
}

/** What a command works with when it runs. */
export interface Invocation {
  readonly settings: Settings
  readonly arguments: readonly string[]
  readonly surroundings: Surroundings
}

/** One thing a program does. */
export interface CommandDefinition {
  readonly name: string
  /** One line. */
  readonly summary: string
  /** `--config` is added to them. */
  readonly options: readonly Option<unknown>[]
  readonly arguments?: readonly Argument[]
  /** Follows the options in `--help`: exit codes, fields of the output, examples. */
  readonly notes?: string
  /** Printed by `--version`; without one there is no such flag. */
  readonly version?: string
  /** Resolves with the exit code. A `ConfigurationError` that it throws is shown like those found here. */
  readonly run: (invocation: Invocation) => Promise<number> | number
}

/** A program of several commands. */
export interface ProgramDefinition {
  readonly name: string
  readonly summary: string
  readonly commands: readonly CommandDefinition[]
  readonly notes?: string
  /**
   * What the program does when no command is named. Its options may stand before the name of a command too, which takes those that it has itself.
   * A word that is no command's name is its argument: it is for this one to refuse it.
   */
  readonly otherwise?: CommandDefinition
}

/** The exit code of a program that was called wrongly or configured wrongly. */
export const usageExitCode = 2

/** The surroundings of this process. What is printed there cannot drive a terminal, wherever the words came from. */
export function processSurroundings(): Surroundings {
  const check = watchOutput()
  return {
    arguments: process.argv.slice(2),
    environment: process.env,
    workingDirectory: process.cwd(),
    stdout: (text) => {
      check()
      process.stdout.write(printableText(text))
    },
    stderr: (text) => void process.stderr.write(printableText(text)),
    control: (sequence) => void process.stdout.write(sequence),
  }
}

/**
 * Reads the command line, the environment and the config file, and runs the program, or prints its `--help`. Ends no process: the exit code
 * is for the caller, as in `process.exitCode = await runProgram(…)`. What cannot be used is one sentence on stderr and the exit code 2.
 * @throws what the command itself throws, except `ConfigurationError`.
 */
export async function runProgram(
  program: CommandDefinition | ProgramDefinition,
  surroundings: Surroundings,
): Promise<number> {
  let exitCode = 0
  const finish = (code: number): void => {
    exitCode = code
  }
  const root =
    'commands' in program
      ? severalCommands(program, surroundings, finish)
      : command(program, surroundings, finish)
  try {
    await root.parseAsync(withoutSeparator(surroundings.arguments), { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof LostOutput) return error.exitCode
    if (error instanceof CommanderError) {
      // Commander has printed the help already.
      if (error.exitCode === 0) return 0
      if (error.code === 'commander.help') return usageExitCode
    } else if (!(error instanceof ConfigurationError)) throw error
    const message = error instanceof CommanderError ? sentence(error.message) : error.message
    surroundings.stderr(`${message}\n`)
    return usageExitCode
  }
}

/** `pnpm dev -- --restart` hands the separator on; nobody means it. */
function withoutSeparator(given: readonly string[]): readonly string[] {
  return given[0] === '--' ? given.slice(1) : given
}

function severalCommands(
  program: ProgramDefinition,
  surroundings: Surroundings,
  finish: (code: number) => void,
): Command {
  const { name, summary, otherwise } = program
  const root =
    otherwise === undefined
      ? bare(name, summary, program.notes, surroundings)
      : command({ ...otherwise, name, summary }, surroundings, finish)
          .usage('[options] [command]')
          .allowExcessArguments(true)
          .enablePositionalOptions()
  const outer = otherwise?.options ?? []
  for (const definition of program.commands) root.addCommand(command(definition, surroundings, finish, outer))
  return root
}

/** `outer`: options that may stand before the command. Those that it does not take are checked none the less. */
function command(
  definition: CommandDefinition,
  surroundings: Surroundings,
  finish: (code: number) => void,
  outer: readonly Option<unknown>[] = [],
): Command {
  const options = [...definition.options, config]
  const built = bare(definition.name, definition.summary, notes(definition, options), surroundings)
  if (definition.version !== undefined) {
    built.version(definition.version, '-V, --version', 'print the version')
  }
  for (const { name, help } of definition.arguments ?? []) built.argument(name, help)
  for (const option of options) {
    built.addOption(commanderOption(option))
    if (option.placeholder === null)
      built.addOption(new CommanderOption(option.flag.replace('--', '--no-')).hideHelp())
  }
  return built.action(async () => {
    const before =
      built.parent === null
        ? new Map<string, string | boolean>()
        : flagsGiven(built.parent, [...options, ...outer])
    const others = outer.filter((option) => before.has(option.key) && !options.includes(option))
    const settings = resolveSettings([...options, ...others], {
      flags: new Map([...before, ...flagsGiven(built, options)]),
      environment: surroundings.environment,
      workingDirectory: surroundings.workingDirectory,
    })
    finish(await definition.run({ settings, arguments: built.args, surroundings }))
  })
}

function bare(name: string, summary: string, after: string | undefined, surroundings: Surroundings): Command {
  const built = new Command(name)
    .description(summary)
    .exitOverride()
    .allowExcessArguments(false)
    .helpOption('-h, --help', 'print this')
    .helpCommand(false)
    .configureOutput({
      writeOut: surroundings.stdout,
      // What `help()` prints when no command was given; errors are printed by `runProgram`.
      writeErr: surroundings.stderr,
      outputError: () => undefined,
      getOutHelpWidth: () => 100,
      getErrHelpWidth: () => 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
  if (after !== undefined) built.addHelpText('after', `\n${after.trimEnd()}`)
  return built
}

function commanderOption(option: Option<unknown>): CommanderOption {
  const flags = option.placeholder === null ? option.flag : `${option.flag} <${option.placeholder}>`
  const details = [
    option.fallbackWords === '' ? '' : `default: ${option.fallbackWords}`,
    option.environment === null ? '' : `env: ${option.environment}`,
  ].filter((detail) => detail !== '')
  const help = details.length === 0 ? option.help : `${option.help} (${details.join('; ')})`
  const built = new CommanderOption(flags, help)
  return option.hidden ? built.hideHelp() : built
}

function notes(definition: CommandDefinition, options: readonly Option<unknown>[]): string {
  const precedence = options.some((option) => option.environment !== null)
    ? 'Flags win over environment variables, those over the config file, that over defaults. In the config file\n' +
      'an option has its name in camelCase: {"clientPort": 9600}. A switch is turned off with --no-….'
    : ''
  return [precedence, definition.notes ?? ''].filter((note) => note !== '').join('\n\n')
}

/** By the option's key, which is how Commander names them too. */
function flagsGiven(built: Command, options: readonly Option<unknown>[]): Map<string, string | boolean> {
  const given = new Map<string, string | boolean>()
  const values: Record<string, unknown> = built.opts()
  for (const { key } of options) {
    const value = values[key]
    // A `--no-…` alone makes Commander assume true; that was not given.
    if (built.getOptionValueSource(key) !== 'cli') continue
    if (typeof value === 'string' || typeof value === 'boolean') given.set(key, value)
  }
  return given
}

/** Commander's words in the shape of ours: the place first, one sentence. */
function sentence(message: string): string {
  const text = message
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
    .replace(/\.$/, '')
  const unknown = /^unknown option '(?<flag>[^']*)'(?: \((?<advice>.*)\))?$/.exec(text)?.groups
  if (unknown !== undefined) {
    return `${unknown['flag']}: there is no such option. ${unknown['advice'] ?? 'See --help.'}`
  }
  const missing = /^option '(?<flag>--\S+) (?<value>.*)' argument missing$/.exec(text)?.groups
  if (missing !== undefined) return `${missing['flag']}: needs a value, ${missing['value']}.`
  const unknownCommand = /^unknown command '(?<name>.*?)'(?: \((?<advice>.*)\))?$/.exec(text)?.groups
  if (unknownCommand !== undefined) {
    return `${unknownCommand['name']}: there is no such command. ${unknownCommand['advice'] ?? 'See --help.'}`
  }
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}. See --help.`
}

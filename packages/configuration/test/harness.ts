import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import {
  type CommandDefinition,
  type Option,
  options,
  type ProgramDefinition,
  runProgram,
  type Settings,
} from '../src/index.ts'

export interface Outcome {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface Given {
  readonly arguments?: readonly string[]
  readonly environment?: Record<string, string>
  /** The text of `chatroom.config.json`. */
  readonly file?: string
  readonly workingDirectory?: string
}

/** A directory that is gone after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'configuration-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Runs a program in a directory of its own. */
export async function run(program: CommandDefinition | ProgramDefinition, given: Given): Promise<Outcome> {
  const workingDirectory = given.workingDirectory ?? temporaryDirectory()
  if (given.file !== undefined) writeFileSync(join(workingDirectory, 'chatroom.config.json'), given.file)
  const written = { stdout: '', stderr: '' }
  const exitCode = await runProgram(program, {
    arguments: given.arguments ?? [],
    environment: given.environment ?? {},
    workingDirectory,
    stdout: (text) => {
      written.stdout += text
    },
    stderr: (text) => {
      written.stderr += text
    },
    control: (sequence) => {
      written.stdout += sequence
    },
  })
  return { exitCode, ...written }
}

const everyOption: readonly Option<unknown>[] = [...options.fileOptions, options.supervised]

/** What a program with every option makes of what was given: `look`'s result, or the outcome if it was refused. */
export async function settingsOf<T>(given: Given, look: (settings: Settings) => T): Promise<T | Outcome> {
  const results: T[] = []
  const outcome = await run(
    {
      name: 'test',
      summary: 'Looks at its settings.',
      options: everyOption,
      run: ({ settings }) => {
        results.push(look(settings))
        return 0
      },
    },
    given,
  )
  const [result] = results
  return result === undefined ? outcome : result
}

/** The exit code and the sentence on stderr. */
export async function refusal(
  given: Given,
  look: (settings: Settings) => unknown = () => 0,
): Promise<string> {
  let refused = true
  const outcome = await settingsOf(given, (settings) => {
    look(settings)
    refused = false
    return { exitCode: 0, stdout: '', stderr: 'nothing was refused' }
  })
  return `${refused ? outcome.exitCode : 0} ${outcome.stderr.trimEnd()}`
}

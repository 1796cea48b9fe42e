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
  })
  return { exitCode, ...written }
}

const everyOption: readonly Option<unknown>[] = [...options.fileOptions, options.supervised]

/** What a program with every option makes of what was given: `look`'s result, or the outcome with the error. */
export async function settingsOf<T>(given: Given, look: (settings: Settings) => T): Promise<T | Outcome> {
  let result: { readonly value: T } | null = null
  const outcome = await run(
    {
      name: 'test',
      summary: 'Looks at its settings.',
      options: everyOption,
      run: ({ settings }) => {
        result = { value: look(settings) }
        return 0
      },
    },
    given,
  )
  return result === null ? outcome : unwrap(result)
}

function unwrap<T>(result: { readonly value: T }): T {
  return result.value
}

/** The sentence on stderr and the exit code. */
export async function refusal(
  given: Given,
  look: (settings: Settings) => unknown = () => undefined,
): Promise<string> {
  const outcome = await settingsOf(given, look)
  if (typeof outcome !== 'object' || outcome === null || !('exitCode' in outcome))
    return 'nothing was refused'
  return `${String(outcome.exitCode)} ${outcome.stderr.trimEnd()}`
}

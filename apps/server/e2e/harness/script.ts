import type { TestCluster } from './cluster.ts'
import { Program, programs } from './program.ts'

/** The terminal client with a script, in a process of its own. */
export class RunningScript {
  readonly program: Program

  constructor(program: Program) {
    this.program = program
  }

  /** One for each command, in order. */
  get results(): Record<string, unknown>[] {
    return this.program.json.filter(({ type }) => type === 'result')
  }

  get messages(): Record<string, unknown>[] {
    return this.program.json.filter(({ type }) => type === 'message')
  }

  /** More lines of the script. */
  type(lines: readonly string[]): void {
    this.program.write(lines.map((line) => `${line}\n`).join(''))
  }
}

/** Begins a script whose end is not written yet. */
export function startScript(cluster: TestCluster, lines: readonly string[]): RunningScript {
  const script = new RunningScript(
    new Program(programs.chat, ['--json', '--servers', cluster.servers.join()]),
  )
  script.type(lines)
  return script
}

export interface ScriptOutcome {
  readonly exitCode: number | null
  readonly results: Record<string, unknown>[]
  readonly messages: Record<string, unknown>[]
}

/** Runs a whole script. */
export async function runScript(cluster: TestCluster, lines: readonly string[]): Promise<ScriptOutcome> {
  const script = startScript(cluster, lines)
  script.program.endInput()
  const { code } = await script.program.exited
  return { exitCode: code, results: script.results, messages: script.messages }
}

import type { TestCluster } from './cluster.ts'
import { Program, programs } from './program.ts'

export interface ScriptOutcome {
  readonly exitCode: number | null
  /** One for each command, in order. */
  readonly results: Record<string, unknown>[]
  readonly messages: Record<string, unknown>[]
}

/** Runs the terminal client with these lines as its script. */
export async function runScript(cluster: TestCluster, lines: readonly string[]): Promise<ScriptOutcome> {
  const program = new Program(programs.chat, ['--json', '--servers', cluster.servers.join()])
  program.write(lines.map((line) => `${line}\n`).join(''))
  program.endInput()
  const { code } = await program.exited
  const { json } = program
  return {
    exitCode: code,
    results: json.filter(({ type }) => type === 'result'),
    messages: json.filter(({ type }) => type === 'message'),
  }
}

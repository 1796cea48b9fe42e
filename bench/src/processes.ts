import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = new URL('../../', import.meta.url)

/** The server of a checkout of this project that is built. */
export function serverOf(checkout: string): string {
  return resolve(checkout, 'apps/server/dist/server.js')
}

/** The built programs that are measured, and the bench's own servers. */
export const programs = {
  /** In one file, as it is deployed. */
  server: serverOf(fileURLToPath(root)),
  chatctl: fileURLToPath(new URL('apps/chatctl/dist/main.js', root)),
  echo: fileURLToPath(new URL('bench/dist/servers/echo.js', root)),
  ownEcho: fileURLToPath(new URL('bench/dist/servers/own-echo.js', root)),
  refusalProbe: fileURLToPath(new URL('bench/dist/servers/refusal-probe.js', root)),
  ceiling: fileURLToPath(new URL('bench/dist/servers/ceiling.js', root)),
} as const

/** Killed when this process ends, however it does. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/**
 * Starts Node with these arguments, and what its environment has beside this process's. `log`: the file that it may write to.
 */
export type Launch = (
  args: readonly string[],
  options: { readonly log: string; readonly environment: Readonly<Record<string, string>> },
) => ChildProcess

/** With an input that ends when this process does: a program that is told so by that stops when the bench dies. */
const launchHere: Launch = (args, { log, environment }) => {
  const output = openSync(log, 'a')
  const child = spawn(process.execPath, args, {
    stdio: ['pipe', output, output],
    env: { ...process.env, ...environment },
  })
  closeSync(output)
  child.stdin?.on('error', () => undefined)
  return child
}

export interface ProcessOptions {
  /** For Node itself. */
  readonly nodeFlags?: readonly string[]
  /** Beside what this process has. */
  readonly environment?: Readonly<Record<string, string>>
  /** Default: `launchHere`. */
  readonly launch?: Launch
}

/** A program of its own process, and the file that it writes to. */
export class Process {
  readonly pid: number
  readonly exited: Promise<void>
  readonly #child: ChildProcess
  readonly #log: string

  constructor(
    program: string,
    args: readonly string[],
    log: string,
    { nodeFlags = [], environment = {}, launch = launchHere }: ProcessOptions = {},
  ) {
    this.#child = launch([...nodeFlags, program, ...args], { log, environment })
    this.#log = log
    this.pid = this.#child.pid ?? 0
    running.add(this.#child)
    this.exited = once(this.#child, 'close').then(() => {
      running.delete(this.#child)
    })
  }

  get hasExited(): boolean {
    return !running.has(this.#child)
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  async end(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    this.#child.kill(signal)
    await this.exited
  }

  /** The end of what it wrote, for errors; nothing if whoever launched it has it write elsewhere. */
  get words(): string {
    if (!existsSync(this.#log)) return ''
    return readFileSync(this.#log, 'utf8').slice(-2_000)
  }
}

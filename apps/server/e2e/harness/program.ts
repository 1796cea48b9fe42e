import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const apps = fileURLToPath(new URL('../../../', import.meta.url))

/** The built programs; of the server what is deployed, a bundle. */
export const programs = {
  server: `${apps}server/dist/server.js`,
  /** The same with a file for each module, for preloads that change one. */
  serverModules: `${apps}server/dist/main.js`,
  chat: `${apps}cli-client/dist/main.js`,
  chatctl: `${apps}chatctl/dist/main.js`,
} as const

/** Every process started here that has not ended; killed when this process ends, however it does. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export interface ProgramOptions {
  /** Flags of Node itself. */
  readonly nodeFlags?: readonly string[]
  /** Runs it as this user. */
  readonly uid?: number
  /** Runs it in this network namespace. */
  readonly namespace?: string
}

/** A program that was started, and what it wrote. */
export class Program {
  readonly pid: number
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  readonly #child: ChildProcess
  #stdout = ''
  #stderr = ''
  #hasExited = false

  constructor(file: string, flags: readonly string[], options: ProgramOptions = {}) {
    const command = [process.execPath, ...(options.nodeFlags ?? []), file, ...flags]
    // `ip` becomes the program: the process id and signals are the program's.
    if (options.namespace !== undefined) command.unshift('ip', 'netns', 'exec', options.namespace)
    this.#child = spawn(command[0] ?? '', command.slice(1), {
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.uid === undefined ? {} : { uid: options.uid }),
    })
    this.pid = this.#child.pid ?? 0
    running.add(this.#child)
    this.#child.stdin?.on('error', () => undefined)
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    this.exited = once(this.#child, 'close').then(() => {
      running.delete(this.#child)
      this.#hasExited = true
      return { code: this.#child.exitCode, signal: this.#child.signalCode }
    })
  }

  get stdout(): string {
    return this.#stdout
  }

  get stderr(): string {
    return this.#stderr
  }

  get hasExited(): boolean {
    return this.#hasExited
  }

  /** Whole lines of standard output that are JSON objects. */
  get json(): Record<string, unknown>[] {
    return this.#stdout
      .split('\n')
      .slice(0, -1)
      .filter((line) => line.startsWith('{'))
      .map(parseObject)
  }

  write(text: string): void {
    this.#child.stdin?.write(text)
  }

  endInput(): void {
    this.#child.stdin?.end()
  }

  /** Sends a signal, to this process alone. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL')
    await this.exited
  }
}

function parseObject(line: string): Record<string, unknown> {
  const value: unknown = JSON.parse(line)
  if (typeof value !== 'object' || value === null) throw new Error(`no JSON object: ${line}`)
  return { ...value }
}

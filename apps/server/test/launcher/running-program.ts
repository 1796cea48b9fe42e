import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** How long anything may take before a test says what it waited for in vain, ms. */
const patience = 90_000

/** A program that a test has started and reads along. */
export interface RunningProgram {
  readonly pid: number
  /** Everything it printed so far, both streams. */
  readonly output: () => string
  /** The first match in its output, from where the last `sees` stopped. */
  sees(pattern: RegExp): Promise<RegExpExecArray>
  signal(name: NodeJS.Signals): void
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
}

/** Starts a program; it and its process group are killed when the test ends. */
export function startProgram(
  command: string,
  flags: readonly string[],
  options: { readonly environment?: Record<string, string>; readonly cwd?: string } = {},
): RunningProgram {
  const child: ChildProcess = spawn(command, [...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, NO_COLOR: '1', ...options.environment },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  const pid = child.pid ?? 0
  let output = ''
  let read = 0
  const watchers = new Set<() => void>()
  const more = (data: Buffer): void => {
    output += data.toString()
    for (const watcher of [...watchers]) watcher()
  }
  child.stdout?.on('data', more)
  child.stderr?.on('data', more)
  const ended = new Promise<number | NodeJS.Signals>((done) => {
    child.once('close', (code, signal) => done(signal ?? code ?? 0))
  })
  const sees = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((done, reject) => {
      const finish = (): void => {
        clearTimeout(timer)
        watchers.delete(look)
      }
      const look = (): void => {
        const match = pattern.exec(output.slice(read))
        if (match === null) return
        read += match.index + match[0].length
        finish()
        done(match)
      }
      const fail = (why: string): void => {
        finish()
        reject(
          new Error(`${why} ${String(pattern)} in:\n${output.slice(read)}\nafter:\n${output.slice(0, read)}`),
        )
      }
      const timer = setTimeout(() => fail(`waited ${patience} ms for`), patience)
      watchers.add(look)
      void ended.then(() => {
        look()
        if (watchers.has(look)) fail('the program ended without')
      })
      look()
    })
  onTestFinished(async () => {
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
    await ended
  })
  return { pid, output: () => output, sees, signal: (name) => void child.kill(name), ended }
}

/** Resolves when no process has the pid any more, or says that one still does. */
export async function gone(pid: number): Promise<void> {
  const deadline = Date.now() + patience
  while (isAlive(pid)) {
    if (Date.now() > deadline) throw new Error(`the process ${pid} still runs`)
    await new Promise((done) => setTimeout(done, 10))
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Ports of each worker of the test runner, so that two that look at once do not find the same: below those that the system hands out by itself. */
const share = 1_300
const lowest = 10_000 + share * ((Number(process.env['VITEST_POOL_ID'] ?? 1) - 1) % 16)

/** The first of `count` consecutive ports that are free now. */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = randomInt(lowest, lowest + share - count)
    const free = await Promise.all(Array.from({ length: count }, (_, i) => isFree(first + i)))
    if (free.every(Boolean)) return first
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer()
    server.once('error', () => done(false))
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => done(true)))
  })
}

/** A directory that is gone after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'chatroom-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }))
  return directory
}

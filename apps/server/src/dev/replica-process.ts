import { type ChildProcess, spawn } from 'node:child_process'
import type { ChildCommand } from './child-command.ts'

/** How a replica's process ended. */
export interface Ending {
  /** `exit code 1`, `killed by SIGKILL`, `could not be started: …`. */
  readonly words: string
  /** It ended by itself with a failure, which is what a replica does that cannot start. */
  readonly failed: boolean
}

export interface ReplicaProcess {
  /** 0 if it could not be started. */
  readonly pid: number
  readonly startedAt: number
  readonly ended: Promise<Ending>
  /** Asks it to stop, and kills it if it has not after `graceMs`. Resolves when it has ended. */
  stop(graceMs: number): Promise<Ending>
  kill(): void
}

/**
 * Starts a replica in a process group of its own, so that Ctrl-C reaches the launcher alone, which then stops the replicas. Its standard input is a
 * pipe that nothing is written to: it ends when the launcher ends, however that happens, and with `--supervised` the replica then stops.
 */
export function startReplica(
  command: ChildCommand,
  logFd: number,
  environment: NodeJS.ProcessEnv = process.env,
): ReplicaProcess {
  const child = spawn(command.executable, [...command.arguments], {
    detached: true,
    stdio: ['pipe', logFd, logFd],
    env: environment,
  })
  child.stdin?.on('error', () => undefined)
  const ended = endingOf(child)
  const signal = (name: NodeJS.Signals): void => {
    // False if it has ended already.
    child.kill(name)
  }
  return {
    pid: child.pid ?? 0,
    startedAt: Date.now(),
    ended,
    stop: async (graceMs) => {
      signal('SIGTERM')
      // One that was stopped with SIGSTOP sees no SIGTERM before it runs again.
      signal('SIGCONT')
      const timer = setTimeout(() => signal('SIGKILL'), graceMs)
      try {
        return await ended
      } finally {
        clearTimeout(timer)
      }
    },
    kill: () => signal('SIGKILL'),
  }
}

function endingOf(child: ChildProcess): Promise<Ending> {
  return new Promise((done) => {
    child.once('error', (error) => {
      if (child.pid === undefined) done({ words: `could not be started: ${error.message}`, failed: true })
    })
    child.once('exit', (code, signal) => {
      if (signal !== null) done({ words: `killed by ${signal}`, failed: false })
      else done({ words: `exit code ${code ?? 0}`, failed: code !== 0 })
    })
  })
}

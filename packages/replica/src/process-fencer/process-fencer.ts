import type { Fencer } from '../ports/fencer.ts'
import type { Hello } from '../ports/transport.ts'
import { isStopped, processStart, thisProcess } from './process-start.ts'

/**
 * Fences replicas that run on this host as the same user: SIGKILL by pid, which ends a stopped process too. A pid alone may have been given to
 * another program since; only the process that began when the replica says it began is killed. For that each replica that is given this fencer tells the others
 * which process it is.
 *
 * @param options instead of the system's own ways, for tests
 */
export function createProcessFencer(
  options: {
    readonly startOf?: (pid: number) => Promise<string | null>
    readonly kill?: (pid: number) => void
    /**
     * How long a process that is not stopped, only slow, may be silent before it is killed, milliseconds. Default 0. A busy host keeps its replicas so, and so does
     * more load than a replica can take: it is silent for a while, again and again, and leads all the same. A process that is stopped is killed at once.
     */
    readonly patienceMs?: number
  } = {},
): Fencer {
  const startOf = options.startOf ?? processStart
  const kill = options.kill ?? ((pid) => process.kill(pid, 'SIGKILL'))
  const { patienceMs = 0 } = options
  return {
    self: thisProcess,
    fence: async (hello: Hello, silentMs = Number.POSITIVE_INFINITY): Promise<void> => {
      const { pid, processStart: said } = hello
      const who = `replica ${hello.member.id} (pid ${pid})`
      if (pid <= 0 || said === '')
        throw new Error(`${who} cannot be fenced: it has not said which process it is.`)
      if (pid === process.pid) throw new Error(`${who} cannot be fenced: that is this process.`)
      if ((await startOf(pid)) !== said) return
      if (silentMs < patienceMs && !(await isStopped(pid))) {
        throw new Error(
          `${who} is silent but not stopped: it is killed when it was silent for ${patienceMs} ms, in case this host is only busy.`,
        )
      }
      try {
        kill(pid)
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return
        throw new Error(
          `${who} cannot be fenced: ${error instanceof Error ? error.message : String(error)}.`,
          { cause: error },
        )
      }
    },
  }
}

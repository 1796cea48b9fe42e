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
     * How long a process that is not stopped, only slow, may go on being silent after the first request before it is killed, milliseconds. Default 0. A busy
     * host keeps its replicas so; a process that is stopped is killed at once all the same.
     */
    readonly patienceMs?: number
    readonly now?: () => number
  } = {},
): Fencer {
  const startOf = options.startOf ?? processStart
  const kill = options.kill ?? ((pid) => process.kill(pid, 'SIGKILL'))
  const { patienceMs = 0, now = () => performance.now() } = options
  /** Since when each slow process is asked for, and when that was last. */
  const slow = new Map<string, { since: number; last: number }>()
  const isToBeBorneWith = (key: string): boolean => {
    const asked = slow.get(key)
    // A request long after the last one is about another silence.
    const since = asked !== undefined && now() - asked.last < patienceMs ? asked.since : now()
    slow.set(key, { since, last: now() })
    return now() - since < patienceMs
  }
  return {
    self: thisProcess,
    fence: async (hello: Hello): Promise<void> => {
      const { pid, processStart: said } = hello
      const who = `replica ${hello.member.id} (pid ${pid})`
      if (pid <= 0 || said === '')
        throw new Error(`${who} cannot be fenced: it has not said which process it is.`)
      if (pid === process.pid) throw new Error(`${who} cannot be fenced: that is this process.`)
      if ((await startOf(pid)) !== said) return
      if (patienceMs > 0 && !(await isStopped(pid)) && isToBeBorneWith(`${pid} ${said}`)) {
        throw new Error(
          `${who} is silent but not stopped: it is killed if that goes on for ${patienceMs} ms, in case this host is only busy.`,
        )
      }
      slow.delete(`${pid} ${said}`)
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

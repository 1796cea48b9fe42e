import type { Fencer } from '../ports/fencer.ts'
import type { Hello } from '../ports/transport.ts'
import { processStart } from './process-start.ts'

/**
 * Fences replicas that run on this host as the same user: SIGKILL by pid, which ends a stopped process too. A pid alone may have been given to
 * another program since; only the process that began when the replica says it began is killed. For that each replica says which process it is: pass
 * `...(await thisProcess())` in the `hello` of its options.
 *
 * @param options instead of the system's own ways, for tests
 */
export function createProcessFencer(
  options: {
    readonly startOf?: (pid: number) => Promise<string | null>
    readonly kill?: (pid: number) => void
  } = {},
): Fencer {
  const startOf = options.startOf ?? processStart
  const kill = options.kill ?? ((pid) => process.kill(pid, 'SIGKILL'))
  return {
    fence: async (hello: Hello): Promise<void> => {
      const { pid, processStart: said } = hello
      const who = `replica ${hello.member.id} (pid ${pid})`
      if (pid <= 0 || said === '')
        throw new Error(`${who} cannot be fenced: it has not said which process it is.`)
      if (pid === process.pid) throw new Error(`${who} cannot be fenced: that is this process.`)
      if ((await startOf(pid)) !== said) return
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

import type { Fencer } from '../ports/fencer.ts'
import type { Hello } from '../ports/transport.ts'

/** Which process something is: for the `hello` of a replica's options. */
export interface MemoryProcess {
  readonly pid: number
  readonly processStart: string
  /** It has ended; a fencer leaves it alone from now on. */
  ended(): void
}

/**
 * Processes in memory, and fencers that end them: the Fencer port for clusters in one process. What ending means is the caller's, `network.kill(address)`
 * of a `MemoryNetwork` for example.
 */
export class MemoryProcesses {
  readonly #running = new Map<number, { readonly processStart: string; readonly kill: () => void }>()
  #started = 0

  /** A new process. `kill`: called once, if a fencer ends it. */
  start(kill: () => void): MemoryProcess {
    const pid = ++this.#started
    const processStart = `start ${pid}`
    this.#running.set(pid, { processStart, kill })
    return { pid, processStart, ended: () => void this.#running.delete(pid) }
  }

  /** The fencer of one of the processes. */
  fencer(own: Pick<MemoryProcess, 'pid' | 'processStart'>): Fencer {
    return {
      self: async () => ({ pid: own.pid, processStart: own.processStart }),
      fence: async ({ member, pid, processStart }: Hello): Promise<void> => {
        const who = `replica ${member.id} (process ${pid})`
        if (pid === 0 || processStart === '')
          throw new Error(`${who} cannot be fenced: it has not said which process it is.`)
        if (pid === own.pid) throw new Error(`${who} cannot be fenced: that is this process.`)
        const process = this.#running.get(pid)
        if (process?.processStart !== processStart) return
        this.#running.delete(pid)
        process.kill()
      },
    }
  }
}

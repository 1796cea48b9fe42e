import { openTraces, type Traces } from '@chatroom/tracing'
import type { Logger } from './logging.ts'
import { sparseNotices } from './sparse-notices.ts'

/** Of spans that are not exported for the same reason the log tells one in so many milliseconds. */
const tellEveryMs = 60_000

/** Loads what makes traces. `ratio`: share of messages and calls that come without one. */
export async function openReplicaTraces(ratio: number, replica: number, log: Logger): Promise<Traces> {
  const sparse = sparseNotices(tellEveryMs, () => performance.now())
  return await openTraces({
    service: 'chatroom-server',
    instance: `replica ${replica}`,
    ratio,
    onProblem: (reason) => {
      const keptBack = sparse(reason)
      if (keptBack === null) return
      log.warn({ event: 'traces.not-exported', reason, keptBack }, `spans were not exported: ${reason}`)
    },
  })
}

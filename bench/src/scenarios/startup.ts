import { ChatCluster } from '../chat/cluster.ts'
import { startSeeded } from '../chat/seed.ts'
import { atMost, row } from '../report/row.ts'
import { processorSeconds } from '../usage.ts'
import type { Scenario } from './scenario.ts'

/** From the start of three processes, of the program as it is deployed. */
export const startup: Scenario = {
  name: 'startup',
  about: 'from starting three replicas until one serves, and until all three are in its view',
  async run({ rounds, accounts, messages, progress }) {
    const empty: Started[] = []
    const seeded: Started[] = []
    const full = await startSeeded({ accounts, messages, readers: 0 })
    try {
      for (let round = 1; round <= rounds; round++) {
        const cluster = await ChatCluster.prepare()
        try {
          empty.push(await start(cluster))
        } finally {
          await cluster.destroy()
        }
        await full.stopAll()
        seeded.push(await start(full))
        progress(
          `round ${round}: empty ${empty.at(-1)?.serving.toFixed(0)} ms, with its state ${seeded.at(-1)?.serving.toFixed(0)} ms`,
        )
      }
    } finally {
      await full.destroy()
    }
    const state = `${accounts} accounts, ${messages} messages`
    return [
      row('startup', 'empty: serving', 'ms', empty.map(serving), atMost(1_000)),
      row('startup', 'empty: all three in the view', 'ms', empty.map(whole)),
      row('startup', 'empty: processor time of the three until one serves', 's', empty.map(used)),
      row('startup', `${state}: serving`, 'ms', seeded.map(serving), atMost(4_000)),
      row('startup', `${state}: all three in the view`, 'ms', seeded.map(whole)),
    ]
  },
}

interface Started {
  readonly serving: number
  readonly whole: number
  /** Processor time of all three until one serves, seconds. */
  readonly used: number
}

const serving = (started: Started): number => started.serving
const whole = (started: Started): number => started.whole
const used = (started: Started): number => started.used

async function start(cluster: ChatCluster): Promise<Started> {
  const begun = performance.now()
  cluster.startAll()
  await cluster.leader()
  const serves = performance.now() - begun
  const used = cluster.pids.reduce((sum, pid) => sum + processorSeconds(pid), 0)
  await cluster.untilWhole()
  return { serving: serves, whole: performance.now() - begun, used }
}

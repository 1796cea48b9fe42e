import { pairedRatios } from '../arithmetic.ts'
import { ChatCluster } from '../chat/cluster.ts'
import { type Seed, startSeeded } from '../chat/seed.ts'
import { load } from '../load.ts'
import { atLeast, row } from '../report/row.ts'
import { overStream, serveChat } from '../systems/chat.ts'
import type { Scenario, Settings } from './scenario.ts'

const inFlight = 64

/** What accounts and waiting messages cost those who send. */
export const growth: Scenario = {
  name: 'growth',
  about: 'throughput with many accounts and many waiting messages, against that of an empty system',
  async run(settings) {
    const { accounts, messages } = settings
    const sizes: readonly { readonly what: string; readonly seed: Seed | null }[] = [
      { what: 'empty', seed: null },
      { what: `${accounts} accounts`, seed: { accounts, messages: 0, readers: 0 } },
      {
        what: `${accounts} accounts, ${messages} waiting messages`,
        seed: { accounts, messages, readers: 0 },
      },
    ]
    const rates = sizes.map((): number[] => [])
    for (let round = 1; round <= settings.rounds; round++) {
      for (const [index, { what, seed }] of sizes.entries()) {
        const rate = await rateOf(seed, settings)
        rates[index]?.push(rate)
        settings.progress(`round ${round}: ${what}: ${rate.toFixed(0)}/s`)
      }
    }
    const [empty = []] = rates
    return sizes.flatMap(({ what, seed }, index) => {
      const own = rates[index] ?? []
      const figure = row('growth', `${what}, chat-stream x${inFlight}`, '1/s', own)
      if (seed === null) return [figure]
      return [figure, row('growth', `${what} / empty`, 'ratio', pairedRatios(own, empty), atLeast(0.9))]
    })
  },
}

async function rateOf(seed: Seed | null, { windowMs }: Settings): Promise<number> {
  const cluster = await (seed === null ? ChatCluster.start() : startSeeded(seed))
  const system = await serveChat(cluster, overStream)
  try {
    return (await load(system, { inFlight, ms: windowMs })).rate
  } finally {
    await system.stop()
  }
}

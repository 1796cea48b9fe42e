import { mean, pairedRatios } from '../arithmetic.ts'
import { ChatCluster } from '../chat/cluster.ts'
import { load } from '../load.ts'
import { serverOf } from '../processes.ts'
import { type Row, row } from '../report/row.ts'
import { overStream, overUnary, serveChat } from '../systems/chat.ts'
import type { RunningSystem } from '../systems/system.ts'
import type { Scenario, Settings } from './scenario.ts'

/** How messages are sent. */
const ways = [
  { name: 'chat-unary', sending: overUnary },
  { name: 'chat-stream', sending: overStream },
] as const
type Way = (typeof ways)[number]

/** Load on each build before the first window, so that its code is fast, in windows and at most in milliseconds. */
const warmup = { windows: 10, ms: 5_000 }

/**
 * This build against the one in another directory. Both are up at once and have their windows in turn, since one start differs from the next by more than most changes do, and the machine from
 * one minute to the next; and the two are started in turn, since the one that was started later is faster by some percent.
 */
export const builds: Scenario = {
  name: 'builds',
  about: 'throughput of this build against that in --against DIR, both up at once',
  async run(settings) {
    if (settings.against === null) {
      settings.progress('left out: it needs another checkout that is built, --against DIR')
      return []
    }
    const other = serverOf(settings.against)
    const rows: Row[] = []
    for (const way of ways)
      for (const inFlight of settings.inFlight) rows.push(await compare(way, inFlight, other, settings))
    return rows
  },
}

async function compare(way: Way, inFlight: number, other: string, settings: Settings): Promise<Row> {
  const what = `${way.name} x${inFlight}, this build / the other`
  const ratios: number[] = []
  for (let round = 1; round <= settings.rounds; round++) {
    const ratio = await inTurn(way, inFlight, other, settings, round % 2 === 0)
    ratios.push(ratio)
    settings.progress(`round ${round}: ${what}: ${ratio.toFixed(3)}`)
  }
  return row('builds', what, 'ratio', ratios)
}

/** Windows of each build in one round. */
const windowsOfARound = 10

async function inTurn(
  way: Way,
  inFlight: number,
  other: string,
  { windowMs: ms }: Settings,
  otherFirst: boolean,
): Promise<number> {
  const running: { readonly system: RunningSystem; readonly rates: number[] }[] = []
  const start = async (program?: string) => {
    const cluster = await ChatCluster.start(program === undefined ? {} : { program })
    const build = { system: await serveChat(cluster, way.sending), rates: [] as number[] }
    running.push(build)
    return build
  }
  try {
    const early = await start(otherFirst ? other : undefined)
    const late = await start(otherFirst ? undefined : other)
    for (const { system } of running)
      await load(system, { inFlight, ms, warmupMs: Math.min(warmup.ms, warmup.windows * ms) })
    for (let window = 0; window < windowsOfARound; window++)
      for (const { system, rates } of window % 2 === 0 ? [early, late] : [late, early])
        rates.push((await load(system, { inFlight, ms, warmupMs: ms / 5 })).rate)
    const [own, others] = otherFirst ? [late, early] : [early, late]
    return mean(pairedRatios(own.rates, others.rates))
  } finally {
    await Promise.all(running.map(({ system }) => system.stop()))
  }
}

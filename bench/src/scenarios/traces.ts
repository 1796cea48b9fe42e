import { median, pairedRatios } from '../arithmetic.ts'
import { ChatCluster } from '../chat/cluster.ts'
import { load, type Window } from '../load.ts'
import { row } from '../report/row.ts'
import { openSpanSink, type SpanSink } from '../servers/span-sink.ts'
import { overStream, serveChat } from '../systems/chat.ts'
import type { Scenario, Settings } from './scenario.ts'

/** Shares of the messages that are followed; null: `--traces` is not given. */
const shares = [null, 0, 0.01] as const

interface Measured extends Window {
  /** Of spans that the replicas exported. */
  readonly spanBytes: number
}

/** What it costs that some messages are followed through all replicas, and that any could be. */
export const traces: Scenario = {
  name: 'traces',
  about: 'throughput with OpenTelemetry traces of one message in a hundred, against that without',
  async run(settings) {
    const windows = shares.map((): Measured[] => [])
    const sink = await openSpanSink()
    try {
      for (let round = 1; round <= settings.rounds; round++) {
        for (const [index, share] of shares.entries()) {
          const window = await windowOf(share, sink, settings)
          windows[index]?.push(window)
          settings.progress(`round ${round}: ${nameOf(share)}: ${window.rate.toFixed(0)}/s`)
        }
      }
    } finally {
      sink.close()
    }
    const [off = []] = windows
    return shares.flatMap((share, index) => {
      const own = windows[index] ?? []
      const all = (of: (window: Measured) => number): number[] => own.map(of)
      const rates = all(({ rate }) => rate)
      const figure = {
        ...row('traces', `${nameOf(share)}, chat-stream x${inFlightOf(settings)}`, '1/s', rates),
        note: {
          'servers, CPU µs a message': median(all(({ serverCpu }) => serverCpu)),
          'spans, KiB': median(all(({ spanBytes }) => spanBytes / 1_024)),
        },
      }
      if (share === null) return [figure]
      const ratios = pairedRatios(
        rates,
        off.map(({ rate }) => rate),
      )
      return [figure, row('traces', `${nameOf(share)} / without`, 'ratio', ratios)]
    })
  },
}

function nameOf(share: number | null): string {
  return share === null ? 'without' : `--traces ${share}`
}

function inFlightOf({ inFlight }: Settings): number {
  return inFlight.at(-1) ?? 64
}

async function windowOf(share: number | null, sink: SpanSink, settings: Settings): Promise<Measured> {
  const flags = share === null ? [] : ['--traces', String(share)]
  const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: sink.endpoint }
  const system = await serveChat(await ChatCluster.start({ flags, environment }), overStream)
  try {
    const before = sink.received()
    const window = await load(system, {
      inFlight: inFlightOf(settings),
      ms: settings.windowMs,
      // What makes spans is new to the process: its first hundreds cost several times what the others do.
      warmupMs: settings.windowMs,
    })
    return { ...window, spanBytes: sink.received() - before }
  } finally {
    await system.stop()
  }
}

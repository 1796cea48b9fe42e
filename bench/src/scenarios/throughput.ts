import { median, pairedRatios } from '../arithmetic.ts'
import { load, type Window } from '../load.ts'
import { writePlot } from '../report/plot.ts'
import { atLeast, type Row, row, type Target } from '../report/row.ts'
import { systems } from '../systems/index.ts'
import type { Scenario, Settings } from './scenario.ts'

/** Which system is compared with which, and what the ratio should be with so many in flight. */
const comparisons: readonly {
  readonly of: string
  readonly to: string
  readonly targets: Readonly<Record<number, Target>>
}[] = [
  { of: 'ceiling-unary', to: 'no-op echo', targets: {} },
  { of: 'own echo', to: 'no-op echo', targets: {} },
  { of: 'chat-unary', to: 'own echo', targets: {} },
  { of: 'chat-unary', to: 'ceiling-unary', targets: { 64: atLeast(0.85) } },
  { of: 'chat-stream', to: 'ceiling-stream', targets: { 1: atLeast(0.9), 64: atLeast(0.6) } },
  { of: 'chat-client', to: 'chat-stream', targets: {} },
]

/** Windows by system and messages in flight, one for each round. */
type Ladder = Map<string, Map<number, Window[]>>

/** Acknowledged messages a second with more and more of them in flight. */
export const throughput: Scenario = {
  name: 'throughput',
  about: 'acknowledged messages a second, of every system, with more and more in flight',
  async run(settings) {
    const ladder = await climb(settings)
    if (settings.svg !== null) plotLadder(settings.svg, ladder)
    return [...figures(ladder), ...ratios(ladder)]
  },
}

async function climb(settings: Settings): Promise<Ladder> {
  const ladder: Ladder = new Map()
  // Rounds outside, so that the systems take turns and meet the same weather.
  for (let round = 1; round <= settings.rounds; round++) {
    for (const system of systems.filter(({ name }) => settings.systems.includes(name))) {
      const steps = ladder.get(system.name) ?? new Map<number, Window[]>()
      ladder.set(system.name, steps)
      const running = await system.start()
      try {
        for (const inFlight of settings.inFlight) {
          const window = await load(running, { inFlight, ms: settings.windowMs })
          steps.set(inFlight, [...(steps.get(inFlight) ?? []), window])
          settings.progress(
            `round ${round}: ${system.name}, ${inFlight} in flight: ${window.rate.toFixed(0)}/s, p50 ${window.p50.toFixed(2)} ms`,
          )
        }
      } finally {
        await running.stop()
      }
    }
  }
  return ladder
}

function figures(ladder: Ladder): Row[] {
  return [...ladder].flatMap(([name, steps]) =>
    [...steps].flatMap(([inFlight, windows]) => {
      const all = (value: (window: Window) => number): number[] => windows.map(value)
      return [
        {
          ...row(
            'throughput',
            `${name} x${inFlight}`,
            '1/s',
            all(({ rate }) => rate),
          ),
          note: {
            'p50, ms': median(all(({ p50 }) => p50)),
            'p99, ms': median(all(({ p99 }) => p99)),
            'servers, CPU µs a message': median(all(({ serverCpu }) => serverCpu)),
            'driver, CPU µs a message': median(all(({ driverCpu }) => driverCpu)),
            failures: all(({ failures }) => failures).reduce((sum, failures) => sum + failures, 0),
          },
        },
      ]
    }),
  )
}

function ratios(ladder: Ladder): Row[] {
  return comparisons.flatMap(({ of, to, targets }) =>
    [...(ladder.get(of) ?? [])].flatMap(([inFlight, windows]) => {
      const base = ladder.get(to)?.get(inFlight)
      if (base === undefined) return []
      const paired = pairedRatios(
        windows.map(({ rate }) => rate),
        base.map(({ rate }) => rate),
      )
      return [row('throughput', `${of} / ${to} x${inFlight}`, 'ratio', paired, targets[inFlight])]
    }),
  )
}

function plotLadder(directory: string, ladder: Ladder): void {
  writePlot(directory, 'throughput', {
    title: 'Acknowledged messages a second',
    x: 'messages in flight',
    y: '1/s',
    logarithmic: true,
    lines: [...ladder].map(([name, steps]) => ({
      name,
      points: [...steps].map(([inFlight, windows]) => ({
        x: inFlight,
        y: row(
          '',
          '',
          '',
          windows.map(({ rate }) => rate),
        ).value,
      })),
    })),
  })
}

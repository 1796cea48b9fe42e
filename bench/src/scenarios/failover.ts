import { writePlot } from '../report/plot.ts'
import { atMost, type Row, row, type Target } from '../report/row.ts'
import { type Gap, type Interruptions, interrupt } from './interruption.ts'
import type { Scenario } from './scenario.ts'

/** Around the kill, in the plot, milliseconds. */
const shown = 120

/** kill -9. */
export const failover: Scenario = {
  name: 'failover',
  about: 'kill -9 of the leader, and of the leader and a follower at once, to the next acknowledged send',
  async run({ kills, svg, progress }) {
    const one = await interrupt(
      kills,
      (cluster, leader) => {
        cluster.replica(leader).signal('SIGKILL')
        return [leader]
      },
      progress,
    )
    const [first] = one.gaps
    if (svg !== null && first !== undefined) plotGap(svg, first)
    const two = await interrupt(
      kills,
      (cluster, leader) => {
        const both = [leader, (leader + 1) % 3]
        for (const id of both) cluster.replica(id).signal('SIGKILL')
        return both
      },
      progress,
    )
    return [
      ...gapRows('failover', 'leader killed', one, atMost(60), atMost(250)),
      ...gapRows('failover', 'leader and follower killed', two, atMost(60), atMost(250)),
    ]
  },
}

/** SIGSTOP: the others must find out that it is no longer there, and see to it that it is not. */
export const suspension: Scenario = {
  name: 'suspension',
  about: 'SIGSTOP of the leader to the next acknowledged send',
  async run({ kills, progress }) {
    const found = await interrupt(
      kills,
      (cluster, leader) => {
        cluster.replica(leader).signal('SIGSTOP')
        return [leader]
      },
      progress,
    )
    return gapRows('suspension', 'leader stopped', found, atMost(1_500))
  },
}

function gapRows(
  scenario: string,
  what: string,
  { gaps, losses }: Interruptions,
  medianTarget: Target,
  longestTarget?: Target,
): Row[] {
  const times = gaps.map(({ ms }) => ms)
  return [
    row(scenario, `${what}: next acknowledgement`, 'ms', times, medianTarget),
    row(scenario, `${what}: the longest`, 'ms', [Math.max(...times)], longestTarget),
    row(scenario, `${what}: acknowledged and lost, of ${losses.acknowledged}`, '', [losses.lost], atMost(0)),
    row(scenario, `${what}: delivered twice`, '', [losses.twice], atMost(0)),
  ]
}

function plotGap(directory: string, { struckAt, acknowledged }: Gap): void {
  const points = acknowledged
    .map(({ begun, at }) => ({ x: at - struckAt, y: at - begun }))
    .filter(({ x }) => x > -shown)
  writePlot(directory, 'failover', {
    title: 'One failover: each acknowledgement, and how long it took',
    x: 'milliseconds since kill -9 of the leader',
    y: 'ms',
    logarithmic: false,
    scattered: true,
    lines: [{ name: 'acknowledgement', points }],
  })
}

import type { StateMachine } from '@chatroom/replica'
import type { Profile } from '../faults/profile.ts'
import type { Workload } from '../workloads/workload.ts'
import { type SimulationResult, simulate } from './simulate.ts'

export interface CampaignOptions<Command, Reply, Machine extends StateMachine<Command, Reply>> {
  readonly profile: Profile
  readonly workload: Workload<Command, Reply, Machine>
  readonly seeds: Iterable<number>
  /** Runs a seed elsewhere, and how many may be under way there; whatever ends first, they are taken in the order of the seeds. Default: here, one after the other. */
  readonly elsewhere?: { readonly run: (seed: number) => Promise<SimulationResult>; readonly atOnce: number }
  /** After each seed, in their order; false ends the campaign. */
  readonly after?: (result: SimulationResult, summary: Summary) => boolean | Promise<boolean>
}

export interface Summary {
  seeds: number
  virtualMs: number
  acknowledged: number
  readonly failures: SimulationResult[]
  /** How often each kind of thing happened, in all runs. */
  readonly counts: Map<string, number>
}

/** Runs seed after seed. The same seeds give the same summary, wherever they are run. */
export async function runCampaign<Command, Reply, Machine extends StateMachine<Command, Reply>>(
  options: CampaignOptions<Command, Reply, Machine>,
): Promise<Summary> {
  const { profile, workload, seeds, after } = options
  const { run, atOnce } = options.elsewhere ?? {
    run: (seed: number) => simulate({ seed, profile, workload }),
    atOnce: 1,
  }
  const summary: Summary = { seeds: 0, virtualMs: 0, acknowledged: 0, failures: [], counts: new Map() }
  for await (const result of inOrder(seeds, run, atOnce)) {
    summary.seeds++
    summary.virtualMs += result.virtualMs
    summary.acknowledged += result.acknowledged
    for (const [kind, count] of result.counts)
      summary.counts.set(kind, (summary.counts.get(kind) ?? 0) + count)
    if (result.violation !== null) summary.failures.push(result)
    if (after !== undefined && !(await after(result, summary))) break
  }
  return summary
}

async function* inOrder(
  seeds: Iterable<number>,
  run: (seed: number) => Promise<SimulationResult>,
  atOnce: number,
): AsyncGenerator<SimulationResult, void, void> {
  const underWay: Promise<SimulationResult>[] = []
  for (const seed of seeds) {
    const running = run(seed)
    // Who stops early does not hear of the others any more.
    running.catch(() => undefined)
    underWay.push(running)
    const oldest = underWay.length < atOnce ? undefined : underWay.shift()
    if (oldest !== undefined) yield await oldest
  }
  for (const running of underWay) yield await running
}

export function* countFrom(first: number, count: number = Number.POSITIVE_INFINITY): Generator<number> {
  for (let seed = first; seed < first + count; seed++) yield seed
}

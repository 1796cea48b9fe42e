import type { StateMachine } from '@chatroom/replica'
import type { Profile } from '../faults/profile.ts'
import type { Workload } from '../workloads/workload.ts'
import { type SimulationResult, simulate } from './simulate.ts'

export interface CampaignOptions<Command, Reply, Machine extends StateMachine<Command, Reply>> {
  readonly profile: Profile
  readonly workload: Workload<Command, Reply, Machine>
  readonly seeds: Iterable<number>
  /** After each seed; false ends the campaign. */
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

/** Runs seed after seed. */
export async function runCampaign<Command, Reply, Machine extends StateMachine<Command, Reply>>(
  options: CampaignOptions<Command, Reply, Machine>,
): Promise<Summary> {
  const { profile, workload, seeds, after } = options
  const summary: Summary = { seeds: 0, virtualMs: 0, acknowledged: 0, failures: [], counts: new Map() }
  for (const seed of seeds) {
    const result = await simulate({ seed, profile, workload })
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

export function* countFrom(first: number, count: number = Number.POSITIVE_INFINITY): Generator<number> {
  for (let seed = first; seed < first + count; seed++) yield seed
}

import type * as Simulator from '../../src/index.ts'
import { FailStopRules } from './fail-stop.ts'
import { MajorityRules } from './majority.ts'
import { type Difference, replay } from './replay.ts'

/** A profile without what the model leaves out (snapshots, torn writes, replaced disks, forced recovery), and short: the longer a log the slower the model. */
export function comparable(profile: Simulator.Profile): Simulator.Profile {
  const { 'replaced disk': _, 'bit flip': __, 'forced recovery': ___, ...weights } = profile.weights
  return { ...profile, weights, forcedRecovery: false, clients: 2, faultyMs: 6_000, plainStorage: true }
}

export interface Compared {
  readonly violation: Simulator.Violation | null
  readonly steps: number
  readonly difference: Difference
}

/** Runs a seed and takes what the replicas did through the model of their mode. `simulator`: the one that may have a mistake put into it. */
export async function compareRun(
  simulator: typeof Simulator,
  profile: Simulator.Profile,
  seed: number,
): Promise<Compared> {
  const recorded: Simulator.Recorded[] = []
  const { violation, replicas } = await simulator.simulate({
    seed,
    profile,
    workload: simulator.registerWorkload,
    record: (event) => recorded.push(event),
  })
  const size = replicas + profile.spares
  const rules = profile.mode === 'fail-stop' ? new FailStopRules(size) : new MajorityRules(size, replicas)
  return { violation, steps: recorded.length, difference: replay(recorded, rules) }
}

import { LogTable } from '../log.ts'
import type { System } from '../search.ts'
import { permutationsOf } from '../symmetry.ts'
import type { Action } from './actions.ts'
import { choices } from './choices.ts'
import { broken } from './invariants.ts'
import { apply } from './rules.ts'
import type { Setting } from './setting.ts'
import { Fingerprints, formedCluster, newCluster, type State } from './state.ts'

export interface FailStopSystem extends System<State, Action> {
  /** The same cluster once faults have ceased, with room for longer logs and later terms: for `canServe`. */
  readonly healed: System<State, Action>
}

/** A cluster of `setting.size` replicas in fail-stop mode. */
export function failStopSystem(setting: Setting): FailStopSystem {
  const permutations = permutationsOf(setting.size)
  const bootstrap = Array.from({ length: setting.size }, (_, id) => ({ id, run: 0 }))
  const logs = new LogTable(bootstrap, permutations)
  const fingerprints = new Fingerprints(logs, permutations)
  const system = (within: Setting): System<State, Action> => ({
    start: (setting.formed ? formedCluster : newCluster)(logs, setting.size),
    choices: (state) => choices(within, state),
    apply: (state, action) => apply(logs, within, state, action),
    fingerprint: (state) => fingerprints.of(state),
    broken,
  })
  const room = { terms: setting.terms + 8, length: setting.length + 12 }
  return {
    ...system(setting),
    healed: system({
      ...setting,
      ...room,
      crashes: 0,
      lateAppends: false,
      staleNews: false,
      newsFromTheLiving: true,
    }),
  }
}

/** How likely each action is in a random walk: more recovery than trouble, or nothing ever gets far. */
export function likelihood(action: Action): number {
  switch (action.type) {
    case 'crash':
    case 'enter':
      return 0.15
    case 'give up':
      return 0.2
    case 'restart':
      return 0.5
    case 'stand':
      return action.kind === 'transfer' ? 0.1 : 1
    default:
      return 1
  }
}

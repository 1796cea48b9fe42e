import { viewNames } from '../log.ts'
import type { System } from '../search.ts'
import { Seen } from '../seen.ts'
import type { Action } from './actions.ts'
import { replicaOf, type State, serves } from './state.ts'

/** States looked at before a try is given up. */
const PATIENCE = 4_000

/**
 * Whether the cluster can serve again with everybody in its view, once faults have ceased. `system` has to be one whose bounds leave room for it and allow no
 * more crashes. 'unknown': not found within patience, which says nothing.
 */
export function canServe(system: System<State, Action>, from: State): 'yes' | 'no' | 'unknown' {
  const seen = new Seen()
  const open = [from]
  for (let looked = 0; open.length > 0; looked++) {
    if (looked > PATIENCE) return 'unknown'
    const state = open.pop()
    if (state === undefined) break
    if (isWhole(state)) return 'yes'
    const next: { rank: number; state: State }[] = []
    for (const action of system.choices(state)) {
      const rank = promise(action)
      const after = rank === 0 ? null : system.apply(state, action)
      if (after !== null && seen.add(system.fingerprint(after))) next.push({ rank, state: after })
    }
    for (const { state: after } of next.sort((a, b) => a.rank - b.rank)) open.push(after)
  }
  return 'no'
}

/** One leader serves, and the view in force names the present run of every replica, and each has learned it. */
function isWhole(state: State): boolean {
  const leading = state.replicas.findIndex(serves)
  if (leading < 0) return false
  const { log, commit } = replicaOf(state, leading)
  return (
    commit === log.length &&
    state.replicas.every((replica, id) => replica.admitted && viewNames(log.view, id, replica.run))
  )
}

/** Which steps to try first on the way to a whole cluster, the greatest first; 0: none of these. */
function promise(action: Action): number {
  switch (action.type) {
    case 'crash':
    case 'write':
    case 'restart on a new disk':
      return 0
    case 'give up':
    case 'enter':
      return 1
    case 'restart':
      return 2
    case 'stand':
      return action.kind === 'transfer' ? 0 : 3
    case 'recover':
      return 3
    case 'append':
      return 4
    case 'remove':
    case 'add':
      return 5
    case 'vote':
    case 'adopt':
      return 6
    case 'learn':
    case 'flush':
    case 'lead':
    case 'commit':
      return 7
  }
}

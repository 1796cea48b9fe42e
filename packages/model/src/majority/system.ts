import { commonLength, LogTable } from '../log.ts'
import type { System } from '../search.ts'
import { permutationsOf } from '../symmetry.ts'
import type { Action } from './actions.ts'
import { apply, held } from './rules.ts'
import type { Setting } from './setting.ts'
import { broken, Fingerprints, newCluster, type Replica, type State } from './state.ts'

/** A cluster of `setting.size` replicas in majority mode. */
export function majoritySystem(setting: Setting): System<State, Action> {
  const { size, members = size } = setting
  // Members and others are not alike: where there are both, every replica keeps its name.
  const permutations = members === size ? permutationsOf(size) : permutationsOf(size).slice(0, 1)
  const bootstrap = Array.from({ length: members }, (_, id) => ({ id, run: 0 }))
  const logs = new LogTable(bootstrap, permutations)
  const fingerprints = new Fingerprints(logs, permutations)
  return {
    start: newCluster(logs, setting.size),
    choices: (state) => choices(setting, state),
    apply: (state, action) => apply(logs, setting, state, action),
    fingerprint: (state) => fingerprints.of(state),
    broken,
  }
}

/** What may be tried in a state. Not all of it is allowed; that the rules decide. */
function* choices(setting: Setting, state: State): Generator<Action> {
  for (const [id, replica] of state.replicas.entries()) {
    if (!replica.up) {
      yield { type: 'restart', id }
      continue
    }
    yield { type: 'crash', id }
    // To flush a part is to have flushed before the rest was written.
    yield { type: 'flush', id, upTo: replica.log.length }
    // To step down and stand is, for all others, to crash and stand.
    if (replica.role !== 'leader') yield { type: 'stand', id }
    yield* terms(state, id, replica)
    yield* appends(state, id, replica)
    for (const [candidate, { role }] of state.replicas.entries())
      if (role === 'candidate' && candidate !== id) yield { type: 'vote', id, candidate }
    if (replica.role === 'candidate') yield { type: 'lead', id }
    if (replica.role !== 'leader') continue
    yield { type: 'write', id }
    // To commit less is to have heard less: another choice is not to commit yet.
    yield { type: 'commit', id, upTo: held(setting, state, id, replica) }
    for (const member of state.replicas.keys()) yield { type: 'change', id, member }
  }
}

/** For a follower a later term only changes what it refuses, and not to hear is tried anyway. */
function* terms(state: State, id: number, { term, role }: Replica): Generator<Action> {
  if (role === 'follower') return
  const later = new Set(state.replicas.map((other) => other.term).filter((other) => other > term))
  for (const other of later) yield { type: 'enter', id, term: other }
}

function* appends(state: State, id: number, follower: Replica): Generator<Action> {
  for (const [term, sent] of state.sent.entries()) {
    if (sent === undefined || term < follower.term) continue
    for (let upTo = commonLength(follower.log, sent); upTo <= sent.length; upTo++)
      yield { type: 'append', id, term, upTo }
  }
}

/** How likely each action is in a random walk: more recovery than trouble, or nothing ever gets far. */
export function likelihood(action: Action): number {
  switch (action.type) {
    case 'crash':
      return 0.15
    case 'stand':
      return 0.3
    case 'restart':
      return 0.5
    default:
      return 1
  }
}

import { commonLength, type Log, type LogTable, prefix } from '../log.ts'
import type { Action } from './actions.ts'
import { adopt, lead, recover, stand, vote } from './election.ts'
import { add, append, commit, remove, write } from './replication.ts'
import type { Setting } from './setting.ts'
import {
  isDead,
  NOBODY,
  namedAt,
  noProgress,
  type Replica,
  RUNS_PER_DISK,
  replicaOf,
  type State,
  settled,
  withReplica,
} from './state.ts'

/** The fail-stop rules: the state after an action, or null if they do not allow it. */
export function apply(logs: LogTable, setting: Setting, state: State, action: Action): State | null {
  const after = step(logs, setting, state, action)
  return after === null ? null : settled(after, setting)
}

function step(logs: LogTable, setting: Setting, state: State, action: Action): State | null {
  const replica = replicaOf(state, action.id)
  if (action.type === 'restart') return restart(state, action.id, replica)
  if (action.type === 'restart on a new disk') return replaceDisk(logs, setting, state, action.id, replica)
  if (!replica.up) return null
  switch (action.type) {
    case 'crash':
      return crash(setting, state, action.id, replica)
    case 'flush':
      return flush(state, action.id, replica, action.upTo)
    case 'learn':
      return learn(setting, state, action.id, replica)
    case 'enter':
      return enter(state, action.id, replica, action.term)
    case 'give up':
      return giveUp(state, action.id, replica)
    case 'write':
      return write(logs, setting, state, action.id, replica)
    case 'append':
      return append(setting, state, action.id, replica, action)
    case 'commit':
      return commit(setting, state, action.id, replica, action.upTo)
    case 'remove':
      return remove(logs, setting, state, action.id, replica, action.dead)
    case 'add':
      return add(logs, setting, state, action.id, replica, action.joiner)
    case 'stand':
      return stand(setting, state, action.id, replica, action)
    case 'recover':
      return recover(setting, state, action.id, replica, action)
    case 'vote':
      return vote(setting, state, action.id, replica, action.candidate)
    case 'adopt':
      return adopt(setting, state, action.id, replica, action)
    case 'lead':
      return lead(logs, setting, state, action.id, replica, action.dead)
  }
}

const asFollower = {
  role: 'follower',
  hearsLeader: false,
  commit: 0,
  progress: noProgress,
  campaign: null,
} as const satisfies Partial<Replica>

function crash(setting: Setting, state: State, id: number, replica: Replica): State | null {
  if (state.crashes >= setting.crashes) return null
  const kept = setting.mistake === 'staysadmitted' ? replica.admitted : false
  const forgotten = setting.mistake === 'volatilevote' ? { term: replica.durable.term, votedFor: NOBODY } : {}
  const after = withReplica(state, id, {
    ...asFollower,
    ...forgotten,
    up: false,
    admitted: kept,
    log: replica.durable,
  })
  return { ...after, crashes: state.crashes + 1 }
}

function restart(state: State, id: number, replica: Replica): State | null {
  return replica.up ? null : withReplica(state, id, { up: true, run: replica.run + 1 })
}

function replaceDisk(
  logs: LogTable,
  setting: Setting,
  state: State,
  id: number,
  replica: Replica,
): State | null {
  if (replica.up || state.replacements >= setting.replacements) return null
  const disk = Math.floor(replica.run / RUNS_PER_DISK) + 1
  const empty = {
    up: true,
    admitted: false,
    run: disk * RUNS_PER_DISK + 1,
    term: 0,
    votedFor: NOBODY,
    log: logs.empty,
    durable: logs.empty,
  }
  return { ...withReplica(state, id, empty), replacements: state.replacements + 1 }
}

function flush(state: State, id: number, { log, durable }: Replica, upTo: number): State | null {
  if (upTo > log.length || upTo <= commonLength(log, durable)) return null
  return withReplica(state, id, { durable: prefix(log, upTo) })
}

/** Admission: this run hears that a view which names it is committed. */
function learn(setting: Setting, state: State, id: number, { admitted, log, run }: Replica): State | null {
  const known = commonLength(log, setting.newsFromTheLiving ? knownToTheLiving(state) : state.committed)
  const named = namedAt(log, id, run)
  return admitted || named === 0 || named > known ? null : withReplica(state, id, { admitted: true })
}

/** What replicas that are up know to be committed, at the least: leaders their commit index, others the view that admitted them. */
function knownToTheLiving(state: State): Log {
  const known = state.replicas.map(({ up, log, commit, admitted, run }, id) =>
    up ? Math.max(commit, admitted ? namedAt(log, id, run) : 0) : 0,
  )
  return prefix(state.committed, Math.max(...known))
}

/** A message of a later term, from whom and about what ever: a refusal, or a request to vote by somebody who has given up since. */
function enter(state: State, id: number, replica: Replica, term: number): State | null {
  if (term <= replica.term || !state.replicas.some((other) => other.term >= term)) return null
  return withReplica(state, id, { ...asFollower, term, votedFor: NOBODY })
}

/** A candidate may stop at any time; a leader does when a member died before it was admitted itself (rule 3). */
function giveUp(state: State, id: number, replica: Replica): State | null {
  const { role, admitted, log } = replica
  if (role === 'follower') return null
  if (role === 'leader' && (admitted || !log.view.members.some((member) => isDead(state, member))))
    return null
  return withReplica(state, id, asFollower)
}

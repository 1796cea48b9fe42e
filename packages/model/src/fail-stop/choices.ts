import { commonLength } from '../log.ts'
import { subsetsOf } from '../symmetry.ts'
import type { Action } from './actions.ts'
import { allWouldVote } from './election.ts'
import { committable } from './replication.ts'
import type { Setting } from './setting.ts'
import { mayBeKnownDead, type Replica, type State } from './state.ts'

/** What may be tried in a state. Far from all of it is allowed; that the rules decide. */
export function* choices(setting: Setting, state: State): Generator<Action> {
  for (const [id, replica] of state.replicas.entries()) {
    if (!replica.up) {
      yield { type: 'restart', id }
      yield { type: 'restart on a new disk', id }
      continue
    }
    yield { type: 'crash', id }
    yield { type: 'learn', id }
    // To flush a part is to have flushed before the rest was written.
    yield { type: 'flush', id, upTo: replica.log.length }
    yield* terms(state, id, replica)
    yield* appends(state, id, replica)
    if (replica.role === 'leader') yield* leading(setting, state, id, replica)
    if (replica.role === 'candidate') yield* standing(setting, state, id, replica)
    else yield* votes(state, id)
    if (replica.role === 'follower') yield* standings(setting, state, id, replica)
  }
}

/** For a follower without a leader a later term changes only what it refuses, and not to hear is tried anyway. */
function* terms(state: State, id: number, { term, role, hearsLeader }: Replica): Generator<Action> {
  if (role === 'follower' && !hearsLeader) return
  const later = new Set(state.replicas.map((other) => other.term).filter((other) => other > term))
  for (const other of later) yield { type: 'enter', id, term: other }
}

function* appends(state: State, id: number, follower: Replica): Generator<Action> {
  for (const [term, sent] of state.sent.entries()) {
    if (sent === undefined || sent === null || term < follower.term) continue
    for (let upTo = commonLength(follower.log, sent); upTo <= sent.length; upTo++)
      yield { type: 'append', id, term, upTo }
  }
}

function* leading(setting: Setting, state: State, id: number, leader: Replica): Generator<Action> {
  yield { type: 'write', id }
  yield { type: 'give up', id }
  // To commit less is to have heard less: another choice is not to commit yet.
  yield { type: 'commit', id, upTo: committable(setting, id, leader) }
  for (const joiner of state.replicas.keys()) yield { type: 'add', id, joiner }
  for (const dead of subsetsOf(deadOf(setting, state, leader))) yield { type: 'remove', id, dead }
}

function* standing(setting: Setting, state: State, id: number, candidate: Replica): Generator<Action> {
  yield { type: 'give up', id }
  for (const dead of subsetsOf(deadOf(setting, state, candidate))) yield { type: 'lead', id, dead }
  for (const [voter, given] of (candidate.campaign?.votes ?? []).entries()) {
    if (given === null) continue
    for (let upTo = commonLength(candidate.log, given.log) + 1; upTo <= given.log.length; upTo++)
      yield { type: 'adopt', id, voter, upTo }
  }
  yield* votes(state, id)
}

function* votes(state: State, id: number): Generator<Action> {
  for (const [candidate, { role }] of state.replicas.entries())
    if (candidate !== id && role === 'candidate') yield { type: 'vote', id, candidate }
}

function* standings(setting: Setting, state: State, id: number, replica: Replica): Generator<Action> {
  const latest = Math.max(...state.replicas.map((other) => other.term))
  for (const term of new Set([replica.term + 1, latest + 1])) {
    yield { type: 'stand', id, kind: replica.hearsLeader ? 'transfer' : 'election', term }
    if (replica.hearsLeader || replica.admitted) continue
    for (const by of state.replicas.keys())
      if (setting.staleNews || allWouldVote(setting, state, id, by)) yield { type: 'recover', id, by, term }
  }
}

function deadOf(setting: Setting, state: State, { log }: Replica): number[] {
  return log.view.members.filter((member) => mayBeKnownDead(setting, state, member)).map(({ id }) => id)
}

import {
  beginsWith,
  commonLength,
  compareLogs,
  type Log,
  type LogTable,
  type PlacedView,
  prefix,
  termAt,
} from '../log.ts'
import type { Action } from './actions.ts'
import type { Setting } from './setting.ts'
import { leaderOf, NOBODY, type Replica, replicaOf, type State, withReplica } from './state.ts'

/**
 * The rules of majority mode (Raft): the state after an action, or null if they do not allow it. What only keeps the peace is left out, and so is tried with and
 * without: pre-vote, check-quorum, waiting before an election, refusing votes while a leader is heard. Messages may be lost, late and in any order.
 */
export function apply(logs: LogTable, setting: Setting, state: State, action: Action): State | null {
  const replica = replicaOf(state, action.id)
  if (action.type === 'restart') return replica.up ? null : withReplica(state, action.id, { up: true })
  if (!replica.up) return null
  switch (action.type) {
    case 'crash':
      return crash(setting, state, action.id, replica)
    case 'flush':
      return flush(state, action.id, replica, action.upTo)
    case 'enter':
      return enter(state, action.id, replica, action.term)
    case 'stand':
      return stand(setting, state, action.id, replica)
    case 'vote':
      return vote(setting, state, action.id, replica, action.candidate)
    case 'lead':
      return lead(logs, setting, state, action.id, replica)
    case 'write':
      return write(logs, setting, state, action.id, replica)
    case 'append':
      return append(setting, state, action.id, replica, action)
    case 'commit':
      return commit(setting, state, action.id, replica, action.upTo)
    case 'change':
      return change(logs, setting, state, action.id, replica, action.member)
  }
}

const asFollower = { role: 'follower', votes: [], match: [], commit: 0 } as const satisfies Partial<Replica>

function crash(
  setting: Setting,
  state: State,
  id: number,
  { durable, term, votedFor }: Replica,
): State | null {
  if (state.crashes >= setting.crashes) return null
  const kept =
    setting.mistake === 'volatilevote' ? { term: durable.term, votedFor: NOBODY } : { term, votedFor }
  return {
    ...withReplica(state, id, { ...asFollower, ...kept, up: false, log: durable }),
    crashes: state.crashes + 1,
  }
}

function flush(state: State, id: number, { log, durable }: Replica, upTo: number): State | null {
  if (upTo > log.length || upTo <= commonLength(log, durable)) return null
  return withReplica(state, id, { durable: prefix(log, upTo) })
}

/** Raft §5.1: whoever sees a later term follows in it. */
function enter(state: State, id: number, replica: Replica, term: number): State | null {
  if (term <= replica.term || !state.replicas.some((other) => other.term >= term)) return null
  return withReplica(state, id, { ...asFollower, term, votedFor: NOBODY })
}

function isMember(view: PlacedView, id: number): boolean {
  return view.members.some((member) => member.id === id)
}

function isQuorum(setting: Setting, view: PlacedView, ids: readonly number[]): boolean {
  const counted = view.members.filter((member) => ids.includes(member.id)).length
  return (
    counted * 2 > view.members.length || (setting.mistake === 'half' && counted * 2 === view.members.length)
  )
}

/** Until a view is committed those whom it leaves out may be needed (thesis §4.2.2). */
function mayStand(log: Log, id: number): boolean {
  const { view } = log
  return isMember(view, id) || (view.index > 0 && isMember(prefix(log, view.index - 1).view, id))
}

/** Raft §5.2. A leader that a majority does not answer has stepped down before (thesis §6.2). */
function stand(setting: Setting, state: State, id: number, { term, log }: Replica): State | null {
  if (term >= setting.terms || log.length >= setting.length || !mayStand(log, id)) return null
  // Asking leaves after its own vote is on disk, and with that the log before it.
  return withReplica(state, id, {
    ...asFollower,
    role: 'candidate',
    term: term + 1,
    votedFor: id,
    votes: [id],
    durable: log,
  })
}

/** Raft §5.2 and §5.4.1. */
function vote(setting: Setting, state: State, id: number, voter: Replica, candidate: number): State | null {
  const { up, role, term, log, votes } = replicaOf(state, candidate)
  if (!up || role !== 'candidate' || votes.includes(id) || !isMember(log.view, id)) return null
  if (
    voter.term > term ||
    (voter.term === term && voter.votedFor !== NOBODY && setting.mistake !== 'doublevote')
  )
    return null
  if (compareLogs(voter.log, log) > 0 && setting.mistake !== 'blindvote') return null
  const counted = withReplica(state, candidate, { votes: [...votes, id].sort((a, b) => a - b) })
  return withReplica(counted, id, { ...asFollower, term, votedFor: candidate, durable: voter.log })
}

function lead(logs: LogTable, setting: Setting, state: State, id: number, candidate: Replica): State | null {
  const { role, log, term, votes } = candidate
  if (role !== 'candidate' || !isQuorum(setting, log.view, votes)) return null
  if (state.sent[term] !== undefined) return { ...state, broken: `two leaders in term ${term}` }
  // A late winner of an early term is no danger: nobody listens to it any more.
  if (state.committed.term < term && !beginsWith(log, state.committed))
    return { ...state, broken: `the leader of term ${term} lacks what was committed before` }
  const after = withReplica(state, id, {
    role: 'leader',
    votes: [],
    match: state.replicas.map(() => 0),
    commit: 0,
  })
  return grown(after, id, logs.append(log, { kind: 'noop', term }))
}

function grown(state: State, id: number, log: Log): State {
  const sent = state.sent.slice()
  sent[replicaOf(state, id).term] = log
  return { ...withReplica(state, id, { log }), sent: Array.from(sent) }
}

function write(logs: LogTable, setting: Setting, state: State, id: number, leader: Replica): State | null {
  const { role, log, term } = leader
  if (role !== 'leader' || state.writes >= setting.writes || log.length >= setting.length) return null
  const writes = state.writes + 1
  return grown({ ...state, writes }, id, logs.append(log, { kind: 'command', term, name: writes }))
}

/** Raft §5.3. The leader, if it still leads, hears of it at once; whether it ever commits is another choice. */
function append(
  setting: Setting,
  state: State,
  id: number,
  follower: Replica,
  { term, upTo }: { term: number; upTo: number },
): State | null {
  const sent = state.sent[term]
  const leading = leaderOf(state, term)
  if (sent === undefined || leading === id || term < follower.term || upTo > sent.length) return null
  const agreed = commonLength(follower.log, sent)
  if (upTo < agreed) return null
  const keeps = upTo <= agreed || (setting.mistake === 'keepsconflicts' && follower.log.length >= upTo)
  const log = keeps ? follower.log : prefix(sent, upTo)
  const durable = setting.mistake === 'ackearly' ? follower.durable : log
  const votedFor = term > follower.term ? NOBODY : follower.votedFor
  const holds =
    setting.mistake === 'overack'
      ? log.length
      : setting.mistake === 'keepsconflicts'
        ? upTo
        : commonLength(log, sent)
  const leader = state.replicas[leading]
  const news = leader !== undefined && holds > (leader.match[id] ?? 0) && holds > leader.commit
  if (!news && log === follower.log && term === follower.term && follower.role === 'follower') return null
  const after = withReplica(state, id, { ...asFollower, term, votedFor, log, durable })
  return news ? withReplica(after, leading, { match: leader.match.with(id, holds) }) : after
}

/** How far enough of the view have the log on disk, as far as the leader knows. */
export function held(setting: Setting, state: State, id: number, { log, durable, match }: Replica): number {
  const own = commonLength(log, durable)
  const holders = (upTo: number): number[] =>
    state.replicas.flatMap((_, other) => ((other === id ? own : (match[other] ?? 0)) >= upTo ? [other] : []))
  let upTo = log.length
  while (upTo > 0 && !isQuorum(setting, log.view, holders(upTo))) upTo--
  return upTo
}

/** Raft §5.3 and §5.4.2: enough of the view have it on disk, and it is of the leader's own term or precedes an entry that is. */
function commit(setting: Setting, state: State, id: number, leader: Replica, upTo: number): State | null {
  const { role, log, term, match } = leader
  if (role !== 'leader' || upTo <= leader.commit || upTo > held(setting, state, id, leader)) return null
  if (termAt(log, upTo) !== term && setting.mistake !== 'oldterm') return null
  return acknowledged(
    withReplica(state, id, { commit: upTo, match: match.map((at) => (at > upTo ? at : 0)) }),
    prefix(log, upTo),
  )
}

/** All that is ever committed is one log (state-machine safety). */
function acknowledged(state: State, committed: Log): State {
  if (beginsWith(committed, state.committed)) return { ...state, committed }
  if (beginsWith(state.committed, committed)) return state
  return { ...state, broken: 'two different entries are committed at one index' }
}

/** Thesis §4.1: one member more or less, once the last change and an entry of this term are committed. */
function change(
  logs: LogTable,
  setting: Setting,
  state: State,
  id: number,
  leader: Replica,
  member: number,
): State | null {
  const { role, log, term, commit: committed } = leader
  if (role !== 'leader' || member === id || state.changes >= setting.changes || log.length >= setting.length)
    return null
  const served = committed > 0 && termAt(log, committed) === term
  if (!served && setting.mistake !== 'changeearly') return null
  if (committed < log.view.index && setting.mistake !== 'twochanges' && setting.mistake !== 'changeearly')
    return null
  const others = log.view.members.filter((other) => other.id !== member)
  const joins = others.length === log.view.members.length
  const members = joins ? [...others, { id: member, run: 0 }].sort((a, b) => a.id - b.id) : others
  return grown(
    { ...state, changes: state.changes + 1 },
    id,
    logs.append(log, { kind: 'view', term, members }),
  )
}

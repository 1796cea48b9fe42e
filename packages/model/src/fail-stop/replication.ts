import { beginsWith, commonLength, type Log, type LogTable, type Member, prefix, termAt } from '../log.ts'
import type { Setting } from './setting.ts'
import {
  leaderOf,
  mayBeKnownDead,
  NOBODY,
  namedAt,
  noProgress,
  type Progress,
  type Replica,
  replicaOf,
  type State,
  serves,
  withReplica,
} from './state.ts'

/** A leader's log has grown: in its memory, and under way to everybody. */
export function grown(state: State, id: number, log: Log): State {
  const { term } = replicaOf(state, id)
  const sent = state.sent.slice()
  sent[term] = log
  return { ...withReplica(state, id, { log }), sent: Array.from(sent) }
}

export function write(
  logs: LogTable,
  setting: Setting,
  state: State,
  id: number,
  leader: Replica,
): State | null {
  if (!serves(leader) || state.writes >= setting.writes || leader.log.length >= setting.length) return null
  const writes = state.writes + 1
  const log = logs.append(leader.log, { kind: 'command', term: leader.term, name: writes })
  return grown({ ...state, writes }, id, log)
}

/** Takes what the leader of a term sent (Raft §5.3). The leader hears of it at once; whether it ever does anything with it is another choice (`commit`). */
export function append(
  setting: Setting,
  state: State,
  id: number,
  follower: Replica,
  { term, upTo }: { term: number; upTo: number },
): State | null {
  const sent = state.sent[term]
  const leading = leaderOf(state, term)
  if (sent === undefined || sent === null || leading === id) return null
  if ((term < follower.term && setting.mistake !== 'unfrozen') || upTo > sent.length) return null
  const agreed = commonLength(follower.log, sent)
  if (upTo < agreed) return null
  const log = upTo > agreed ? prefix(sent, upTo) : follower.log
  const durable = setting.mistake === 'ackearly' ? follower.durable : log
  const hearsLeader = leading >= 0
  if (
    log === follower.log &&
    term === follower.term &&
    hearsLeader === follower.hearsLeader &&
    follower.role === 'follower'
  )
    return heard(setting, state, leading, id)
  const votedFor = term > follower.term ? NOBODY : follower.votedFor
  const after = withReplica(state, id, {
    term: Math.max(term, follower.term),
    votedFor,
    log,
    durable,
    role: 'follower',
    hearsLeader,
    commit: 0,
    progress: noProgress,
    campaign: null,
  })
  return heard(setting, after, leading, id) ?? after
}

/** The leader hears what this run of the follower holds; null if it is nothing new. */
function heard(setting: Setting, state: State, leading: number, id: number): State | null {
  if (leading < 0) return null
  const leader = replicaOf(state, leading)
  const { run, log, durable } = replicaOf(state, id)
  const holds = commonLength(setting.mistake === 'ackearly' ? log : durable, leader.log)
  const known = leader.progress[id]
  const match = holds <= leader.commit ? 0 : holds
  if (known?.run === run && known.match >= match) return null
  const progress: Progress[] = Array.from(leader.progress)
  progress[id] = { run, match }
  return withReplica(state, leading, { progress })
}

/** How much of the leader's log a member holds, as far as the leader knows. */
function heldBy(_setting: Setting, leading: number, leader: Replica, member: Member): number {
  if (member.id === leading) return commonLength(leader.log, leader.durable)
  const progress = leader.progress[member.id]
  const counts = progress !== undefined && progress.run === member.run
  return counts ? progress.match : 0
}

/**
 * Rule 2: how far every member of the view has the log on disk, and it is of the leader's own term or precedes an entry that is; 0 if that is nothing new.
 * A view counts for its writer once its own disk has it.
 */
export function committable(setting: Setting, id: number, leader: Replica): number {
  const { log, durable, term } = leader
  if (commonLength(log, durable) < log.view.index && setting.mistake !== 'ownviewearly') return 0
  const held = log.view.members.map((member) => heldBy(setting, id, leader, member)).sort((a, b) => a - b)
  const upTo = held[setting.mistake === 'majoritycommit' ? Math.floor((held.length - 1) / 2) : 0] ?? 0
  const ownTerm = termAt(log, upTo) === term || setting.mistake === 'oldterm'
  return upTo > leader.commit && ownTerm ? upTo : 0
}

/** The leader need not commit all that it could: an answer may be late or lost. */
export function commit(
  setting: Setting,
  state: State,
  id: number,
  leader: Replica,
  upTo: number,
): State | null {
  if (leader.role !== 'leader' || upTo <= leader.commit || upTo > committable(setting, id, leader))
    return null
  if (termAt(leader.log, upTo) !== leader.term && setting.mistake !== 'oldterm') return null
  const named = namedAt(leader.log, id, leader.run)
  const admitted = leader.admitted || (named > 0 && named <= upTo)
  return acknowledged(withReplica(state, id, { commit: upTo, admitted }), prefix(leader.log, upTo))
}

/** All that is ever committed is one log (state-machine safety). */
function acknowledged(state: State, committed: Log): State {
  if (beginsWith(committed, state.committed)) return { ...state, committed }
  if (beginsWith(state.committed, committed)) return state
  return { ...state, broken: 'two different entries are committed at one index' }
}

/** Rule 3. */
export function remove(
  logs: LogTable,
  setting: Setting,
  state: State,
  id: number,
  leader: Replica,
  dead: readonly number[],
): State | null {
  const { role, log, term, admitted } = leader
  if (role !== 'leader' || dead.length === 0 || log.length >= setting.length) return null
  if (!admitted && setting.mistake !== 'recoveryremoves') return null
  const gone = log.view.members.filter((member) => dead.includes(member.id))
  const proven = gone.every((member) => mayBeKnownDead(setting, state, member))
  if (gone.length !== dead.length || !proven || dead.includes(id)) return null
  const members = log.view.members.filter((member) => !dead.includes(member.id))
  return grown(state, id, logs.append(log, { kind: 'view', term, members }))
}

/** Rule 5. The joiner's log may lack entries: the new view is in force when it has them. */
export function add(
  logs: LogTable,
  setting: Setting,
  state: State,
  id: number,
  leader: Replica,
  joiner: number,
): State | null {
  const { role, log, term, commit: committed } = leader
  if (role !== 'leader' || log.length >= setting.length) return null
  if (!serves(leader)) return null
  if (committed < log.view.index && setting.mistake !== 'addearly') return null
  const run = leader.progress[joiner]?.run ?? 0
  if (run === 0 || joiner === id || log.view.members.some((member) => member.id === joiner)) return null
  const members = [...log.view.members, { id: joiner, run }].sort((a, b) => a.id - b.id)
  return grown(state, id, logs.append(log, { kind: 'view', term, members }))
}

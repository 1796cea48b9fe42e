import { decodeView, type Member, type PlacedView } from '@chatroom/election'
import type { Entry, Position } from '@chatroom/replication-log'
import { advanceCommit, commitPosition, learnCommit } from './commit.ts'
import type { Append, Appended, Presence, Pull } from './messages.ts'
import { appendEntries, type Outbox, truncateLog } from './outbox.ts'
import { becomeFollower, enterTerm, loseLeader } from './role.ts'
import { type Core, currentView } from './state.ts'

/** A leader's entries or heartbeat (Raft §5.3, AppendEntries, receiver). */
export function onAppend(core: Core, out: Outbox, from: Member, message: Append): void {
  const { previous, entries, round, term } = message
  if (term < core.term) return out.send(from, rejected(core, { index: 0, term: 0 }, round))
  if (term === core.term && core.role === 'leader')
    return out.halt(`replica ${from.id} leads in term ${term} too: two leaders in one term`)
  if (term > core.term) enterTerm(core, out, term)
  if (core.leader !== null && core.leader.id !== from.id) {
    return out.halt(`replicas ${core.leader.id} and ${from.id} lead in term ${term}: two leaders in one term`)
  }
  if (core.leader?.id !== from.id || core.leader.incarnation !== from.incarnation || core.role !== 'follower')
    becomeFollower(core, out, from)
  core.leaderHeardAt = core.now

  const change = core.log.reconcile(previous, entries)
  if (change === undefined) return out.send(from, rejected(core, core.log.agreementHint(previous), round))
  takeIn(core, out, change)
  const match = previous.index + entries.length
  advanceCommit(core, out, Math.max(core.commitIndex, Math.min(message.commitIndex, match)))
  // A heartbeat is answered at once, for what is durable already; entries are vouched for after they are.
  if (entries.length === 0) out.send(from, accepted(core, Math.min(match, core.log.durable), round))
  else out.sendVouching(from, accepted(core, match, round))
}

function accepted(core: Core, matchIndex: number, round: number): Appended {
  return {
    type: 'appended',
    term: core.term,
    accepted: true,
    matchIndex,
    hint: { index: 0, term: 0 },
    round,
    commitIndex: core.commitIndex,
    storageFull: core.fullSince !== null,
  }
}

function rejected(core: Core, hint: Position, round: number): Appended {
  return {
    type: 'appended',
    term: core.term,
    accepted: false,
    matchIndex: 0,
    hint,
    round,
    commitIndex: core.commitIndex,
    storageFull: core.fullSince !== null,
  }
}

/** Changes the log as `reconcile` said. */
export function takeIn(
  core: Core,
  out: Outbox,
  change: { truncateFrom: number | null; append: readonly Entry[] },
): void {
  if (change.truncateFrom !== null) truncateLog(core, out, change.truncateFrom)
  if (core.halted !== null || change.append.length === 0) return
  const views: PlacedView[] = []
  for (const entry of change.append) {
    if (entry.kind === 'view')
      views.push({ ...decodeView(entry.payload), index: entry.index, term: entry.term })
  }
  appendEntries(core, out, change.append, views)
}

/** What another replica that does not lead says of itself. */
export function onPresence(core: Core, out: Outbox, from: Member, message: Presence): void {
  const peer = core.peers.get(from.id)
  if (peer === undefined) return
  peer.presence = message
  peer.presenceAt = core.now
  learnCommit(core, out, message.commit)
  // Who says this does not lead: if it is the leader we follow, it gave up.
  if (core.role === 'follower' && core.leader?.id === from.id && message.term >= core.term)
    loseLeader(core, out)
}

export function presenceOf(core: Core): Presence {
  return {
    type: 'presence',
    term: core.term,
    leader: core.leader?.id ?? null,
    admitted: core.admitted,
    last: core.log.last,
    view: currentView(core),
    commit: commitPosition(core),
  }
}

/** A candidate that holds this replica's vote adopts its log. The vote froze the log: only that candidate can append to it in this term. */
export function onPull(core: Core, out: Outbox, from: Member, message: Pull): void {
  if (message.term !== core.term || core.votedFor !== from.id || core.role !== 'follower') return
  const { previous } = message
  if (!core.log.has(previous)) {
    const hint = core.log.agreementHint(previous)
    out.send(from, {
      type: 'pulled',
      term: core.term,
      previous,
      matched: false,
      hint,
      entries: [],
      last: core.log.last,
    })
    return
  }
  const entries = core.log.slice(previous.index + 1, core.limits.appendBytes)
  if (entries === null) {
    core.pull = { from, index: previous.index + 1 }
    out.effect({
      type: 'readLog',
      peer: from.id,
      from: previous.index + 1,
      maxBytes: core.limits.appendBytes,
    })
    return
  }
  answerPull(core, out, from, entries)
}

export function answerPull(core: Core, out: Outbox, to: Member, entries: readonly Entry[]): void {
  const first = entries[0]
  const before = first === undefined ? core.log.last.index : first.index - 1
  const previous = { index: before, term: core.log.termAt(before) ?? 0 }
  out.send(to, {
    type: 'pulled',
    term: core.term,
    previous,
    matched: true,
    hint: previous,
    entries,
    last: core.log.last,
  })
}

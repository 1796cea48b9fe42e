import { type Member, names, sameMember, type View } from '@chatroom/election'
import { type Entry, entryBytes } from '@chatroom/replication-log'
import { noteCatchUp } from './catch-up.ts'
import { advanceCommit, requestApply } from './commit.ts'
import type { Appended } from './messages.ts'
import { appendEntries, type Outbox, viewEntry } from './outbox.ts'
import { confirmReads } from './reads.ts'
import { freshProgress, replicate, replicateToAll, sendHeartbeats } from './replicate.ts'
import { enterTerm } from './role.ts'
import { isOutOfRoom } from './space.ts'
import { type Core, currentView, type LeaderState, type Progress } from './state.ts'

/** Begins to lead in the term it was elected for: with a view, or with an empty entry if the view stays (Raft §5.4.2, §8). */
export function becomeLeader(core: Core, out: Outbox, opening: View | null): void {
  const view = currentView(core)
  const lead: LeaderState = {
    since: core.now,
    opening: core.log.last.index + 1,
    progress: new Map(),
    round: 0,
    roundAt: core.now,
    trustFrom: 0,
    confirmed: 0,
    confirmedAt: Number.NEGATIVE_INFINITY,
    reads: [],
    uncommittedBytes: 0,
    transfer: null,
    handedOver: false,
    pendingChange: null,
  }
  core.role = 'leader'
  core.campaign = null
  core.leader = core.self
  core.lead = lead
  out.report({ type: 'leader', leader: core.self.id, term: core.term })
  out.report({ type: 'role', role: 'leader', term: core.term })
  for (const peer of core.peers.values()) {
    if (peer.connected && peer.member !== null) lead.progress.set(peer.id, freshProgress(core, peer.member))
  }
  // The first leader of a new cluster gives it its name.
  const named =
    (opening ?? view).clusterId === '' ? { ...(opening ?? view), clusterId: core.freshClusterId } : opening
  if (named === null)
    appendOwn(core, out, {
      index: lead.opening,
      term: core.term,
      time: entryTime(core, core.wallTime),
      kind: 'noop',
      payload: new Uint8Array(0),
    })
  else appendView(core, out, named)
  sendHeartbeats(core, out)
}

/** Puts a view into the log; it takes effect with that. */
export function appendView(core: Core, out: Outbox, view: View): void {
  const { entry, placed } = viewEntry(core, view)
  appendEntries(core, out, [entry], [placed])
  if (core.halted === null) replicateToAll(core, out)
}

function appendOwn(core: Core, out: Outbox, entry: Entry): void {
  appendEntries(core, out, [entry], [])
  replicateToAll(core, out)
}

function entryTime(core: Core, wallTime: number): number {
  return Math.max(wallTime, core.entryTime)
}

/** Commands of clients (Raft §5.3). */
export function onPropose(core: Core, out: Outbox, payloads: readonly Uint8Array[], wallTime: number): void {
  const { lead } = core
  if (lead === null) return out.effect({ type: 'proposalRefused', why: 'not leader' })
  if (core.commitIndex < lead.opening || lead.transfer !== null)
    return out.effect({ type: 'proposalRefused', why: 'not ready' })
  if (isOutOfRoom(core)) return out.effect({ type: 'proposalRefused', why: 'storage full' })
  if (lead.uncommittedBytes > core.limits.uncommittedBytes)
    return out.effect({ type: 'proposalRefused', why: 'overloaded' })
  const time = entryTime(core, wallTime)
  const first = core.log.last.index + 1
  const entries: Entry[] = payloads.map((payload, at) => ({
    index: first + at,
    term: core.term,
    time,
    kind: 'command',
    payload,
  }))
  for (const entry of entries) lead.uncommittedBytes += entryBytes(entry)
  appendEntries(core, out, entries, [])
  out.effect({ type: 'proposed', first, term: core.term })
  replicateToAll(core, out)
}

/** A follower's answer (Raft §5.3). */
export function onAppended(core: Core, out: Outbox, from: Member, message: Appended): void {
  if (message.term > core.term) return enterTerm(core, out, message.term)
  const { lead } = core
  if (lead === null || message.term < core.term) return
  const progress = lead.progress.get(from.id)
  if (progress === undefined || !sameMember(progress.member, from)) return
  // An answer that waited for the disk tells how full the disk was when the entries came: since then others were given.
  const news = message.round >= progress.round
  progress.round = Math.max(progress.round, message.round)
  progress.knownCommit = Math.max(progress.knownCommit, message.commitIndex)
  if (news && (progress.fullSince !== null) !== message.storageFull) {
    progress.fullSince = message.storageFull ? core.now : null
    out.report({ type: 'peer storage full', peer: from.id, full: message.storageFull })
  }
  if (message.accepted) accepted(core, out, progress, message.matchIndex)
  else refused(core, progress, message)
  if (core.lead !== lead || core.halted !== null) return
  confirmReads(core, out)
  replicate(core, out, progress)
}

function accepted(core: Core, out: Outbox, progress: Progress, matchIndex: number): void {
  if (matchIndex > core.log.last.index)
    return out.halt(
      `replica ${progress.member.id} claims entry ${matchIndex}, the log ends at ${core.log.last.index}`,
    )
  progress.match = Math.max(progress.match, matchIndex)
  progress.next = Math.max(progress.next, progress.match + 1)
  noteCatchUp(core, progress)
  const { inflight } = progress
  for (
    let oldest = inflight[0];
    oldest !== undefined && oldest.last <= progress.match;
    oldest = inflight[0]
  ) {
    progress.inflightBytes -= oldest.bytes
    inflight.shift()
  }
  if (progress.state === 'probe') {
    progress.state = 'replicate'
    progress.probing = false
  }
  commitWhatIsHeld(core, out)
}

function refused(core: Core, progress: Progress, message: Appended): void {
  if (progress.state === 'snapshot') return
  const hint = core.log.has(message.hint) ? message.hint : core.log.agreementHint(message.hint)
  progress.state = 'probe'
  progress.probing = false
  progress.inflight.length = 0
  progress.inflightBytes = 0
  // Where this log begins the peer has something else: nothing that is left here can agree with it, and only a snapshot helps.
  const foreign = message.hint.index <= core.log.before.index && !core.log.has(message.hint)
  const next = foreign ? core.log.before.index : hint.index + 1
  progress.next = Math.max(progress.match + 1, Math.min(progress.next, next))
}

/** Commits what enough of the view hold durably, if it is of this term or precedes an entry that is (Raft §5.4.2; fail-stop rule 2). */
export function commitWhatIsHeld(core: Core, out: Outbox): void {
  const { lead } = core
  if (lead === null) return
  const view = currentView(core)
  // A view takes effect for its writer when its own disk has it: a smaller view must not acknowledge what a crash of its writer would deny.
  if (core.log.durable < view.index) return requestApply(core, out)
  const durableAt = (member: Member): number => {
    if (names(member, core.self)) return core.log.durable
    const progress = lead.progress.get(member.id)
    return progress !== undefined && names(member, progress.member) ? progress.match : 0
  }
  const held = core.mode.commitIndex(view, durableAt)
  if (held > core.commitIndex && core.log.termAt(held) === core.term) {
    const before = core.commitIndex
    countCommitted(core, lead, before + 1, held)
    advanceCommit(core, out, held)
    if (lead.pendingChange !== null && lead.pendingChange <= held) {
      lead.pendingChange = null
      out.effect({ type: 'membersChanged', ok: true, words: 'the change is committed' })
    }
    confirmReads(core, out)
    // Admission spreads with the knowledge of what is committed: tell it at once where a view is concerned.
    if (view.index > before && view.index <= held) sendHeartbeats(core, out)
    if (before < lead.opening && held >= lead.opening)
      out.report({ type: 'role', role: 'leader', term: core.term })
  } else {
    requestApply(core, out)
  }
}

function countCommitted(core: Core, lead: LeaderState, from: number, to: number): void {
  if (lead.uncommittedBytes === 0) return
  for (let index = Math.max(from, lead.opening + 1); index <= to; index++) {
    const entry = core.log.entryAt(index)
    if (entry?.kind === 'command')
      lead.uncommittedBytes = Math.max(0, lead.uncommittedBytes - entryBytes(entry))
  }
}

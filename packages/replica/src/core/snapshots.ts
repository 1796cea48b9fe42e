import { type Member, sameMember } from '@chatroom/election'
import { advanceCommit, requestApply } from './commit.ts'
import { viewVersionFault } from './machine-version.ts'
import type { SnapshotAck, SnapshotChunk } from './messages.ts'
import type { Outbox } from './outbox.ts'
import { becomeFollower, enterTerm } from './role.ts'
import { type Core, type Progress, viewAt } from './state.ts'

/** The peer lacks entries that this leader gave up: send its newest snapshot, a part at a time (Raft §7). */
export function offerSnapshot(core: Core, out: Outbox, progress: Progress): void {
  const { snapshot } = core
  if (snapshot === null || snapshot.index < core.log.before.index) {
    return out.halt(`the log begins after ${core.log.before.index} and no snapshot reaches to it`)
  }
  progress.state = 'snapshot'
  progress.probing = false
  progress.inflight.length = 0
  progress.inflightBytes = 0
  progress.snapshotIndex = snapshot.index
  readPart(core, out, progress, 0)
}

/** The answer to the last part may be lost: the way back is a link of its own, and it alone may have broken. A part that is there already does no harm. */
export function remindOfSnapshot(core: Core, out: Outbox, progress: Progress): void {
  if (!progress.reading && core.now - progress.snapshotAt > core.limits.snapshotRetryMs)
    readPart(core, out, progress, progress.snapshotOffset)
}

function readPart(core: Core, out: Outbox, progress: Progress, offset: number): void {
  progress.reading = true
  progress.snapshotOffset = offset
  progress.snapshotAt = core.now
  out.effect({ type: 'readSnapshot', peer: progress.member.id, index: progress.snapshotIndex, offset })
}

export function onSnapshotRead(
  core: Core,
  out: Outbox,
  progress: Progress,
  part: { index: number; offset: number; data: Uint8Array; total: number },
): void {
  progress.reading = false
  if (progress.state !== 'snapshot') return
  const { snapshot } = core
  if (
    snapshot === null ||
    part.total === 0 ||
    part.index !== progress.snapshotIndex ||
    snapshot.index !== part.index
  ) {
    return offerSnapshot(core, out, progress)
  }
  out.send(progress.member, {
    type: 'snapshotChunk',
    term: core.term,
    snapshot: { index: snapshot.index, term: snapshot.term },
    view: snapshot.view,
    time: snapshot.time,
    offset: part.offset,
    data: part.data,
    total: part.total,
  })
}

export function onSnapshotAck(core: Core, out: Outbox, from: Member, ack: SnapshotAck): void {
  if (ack.term > core.term) return enterTerm(core, out, ack.term)
  const progress = core.lead?.progress.get(from.id)
  if (progress === undefined || ack.term < core.term || !sameMember(progress.member, from)) return
  if (progress.state !== 'snapshot' || progress.snapshotIndex !== ack.snapshot.index) return
  if (!ack.installed) {
    if (!progress.reading) readPart(core, out, progress, ack.offset)
    return
  }
  progress.match = Math.max(progress.match, ack.snapshot.index)
  progress.next = progress.match + 1
  progress.state = 'probe'
}

/** Part of the leader's snapshot. The shell writes it; it counts when it is whole. */
export function onSnapshotChunk(core: Core, out: Outbox, from: Member, chunk: SnapshotChunk): void {
  if (chunk.term < core.term) {
    out.send(from, {
      type: 'snapshotAck',
      term: core.term,
      snapshot: chunk.snapshot,
      offset: 0,
      installed: false,
    })
    return
  }
  if (chunk.term === core.term && core.role === 'leader')
    return out.halt(`replica ${from.id} leads in term ${chunk.term} too: two leaders in one term`)
  if (chunk.term > core.term) enterTerm(core, out, chunk.term)
  if (core.leader === null || !sameMember(core.leader, from) || core.role !== 'follower')
    becomeFollower(core, out, from)
  core.leaderHeardAt = core.now
  if (core.installing) return
  if (chunk.snapshot.index <= core.commitIndex) {
    out.send(from, {
      type: 'snapshotAck',
      term: core.term,
      snapshot: chunk.snapshot,
      offset: chunk.total,
      installed: true,
    })
    return
  }
  const { snapshot, view, time, offset, data, total } = chunk
  const unsupported = viewVersionFault(core, view)
  if (unsupported !== null) return out.halt(unsupported)
  core.installing = offset + data.length === total
  out.effect({ type: 'writeSnapshot', from, snapshot, view, time, offset, data, total })
}

/** The shell wrote a part, or installed the whole: storage, state machine, and now the core. */
export function onSnapshotWritten(
  core: Core,
  out: Outbox,
  written: {
    from: Member
    snapshot: { index: number; term: number }
    view: SnapshotChunk['view']
    time: number
    offset: number
    installed: boolean
  },
): void {
  // The leader spoke meanwhile, and was not heard.
  if (core.installing) core.leaderHeardAt = core.now
  core.installing = false
  const { snapshot, view, time } = written
  if (written.installed) {
    if (!core.log.has(snapshot)) {
      // What is still under way to the disk is of a log that is no more.
      for (const item of core.unsynced) item.last = Math.min(item.last, snapshot.index)
    }
    core.log.resetTo(snapshot)
    const later = core.views.filter((placed) => placed.index > snapshot.index && core.log.has(placed))
    core.views.splice(0, core.views.length, view, ...later)
    for (const member of view.members) core.deaths.learn(member)
    core.snapshot = { index: snapshot.index, term: snapshot.term, view, time }
    core.entryTime = Math.max(core.entryTime, time)
    core.applyRequested = Math.max(core.applyRequested, snapshot.index)
    core.appliedIndex = Math.max(core.appliedIndex, snapshot.index)
    if (view.clusterId !== '' && core.clusterId === '') {
      core.clusterId = view.clusterId
      out.hardState()
    }
    advanceCommit(core, out, snapshot.index)
  } else requestApply(core, out)
  if (core.leader === null || !sameMember(core.leader, written.from)) return
  out.send(written.from, {
    type: 'snapshotAck',
    term: core.term,
    snapshot,
    offset: written.offset,
    installed: written.installed,
  })
}

/** The shell made a snapshot of this replica's own state: give up the log behind it, but for a margin. */
export function onSnapshotTaken(core: Core, out: Outbox, index: number, time: number): void {
  const term = core.log.termAt(index)
  if (term === undefined || index <= (core.snapshot?.index ?? 0)) return
  core.snapshot = { index, term, view: viewAt(core, index), time }
  const upTo = index - core.limits.compactMarginEntries
  if (upTo <= core.log.before.index) return
  core.log.compactTo(upTo)
  while (core.views.length > 1 && (core.views[1]?.index ?? Number.POSITIVE_INFINITY) <= upTo)
    core.views.shift()
  out.effect({ type: 'compact', index: upTo })
}

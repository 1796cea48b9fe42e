import type { Member } from '@chatroom/election'
import { type Entry, entryBytes, type Position } from '@chatroom/replication-log'
import { beginCatchUp, isFarBehind } from './catch-up.ts'
import type { Outbox } from './outbox.ts'
import { offerSnapshot, remindOfSnapshot } from './snapshots.ts'
import type { Core, Progress } from './state.ts'

/** Nothing is known of what this run of the peer holds: probe. */
export function freshProgress(core: Core, member: Member): Progress {
  return {
    member,
    state: 'probe',
    match: 0,
    next: core.log.last.index + 1,
    inflight: [],
    inflightBytes: 0,
    probing: false,
    reading: false,
    round: 0,
    knownCommit: 0,
    fullSince: null,
    snapshotIndex: 0,
    snapshotOffset: 0,
    snapshotAt: 0,
    catchUp: beginCatchUp(core.log.last.index, core.now),
  }
}

/** A piece of the log that was taken for one peer: the next one mostly wants the same, and who sends the same list twice need not encode it twice. */
interface Taken {
  from: number
  maxBytes: number
  entries: Entry[] | null
}

export function replicateToAll(core: Core, out: Outbox): void {
  const taken: Taken = { from: 0, maxBytes: 0, entries: null }
  for (const progress of core.lead?.progress.values() ?? []) replicate(core, out, progress, taken)
}

/** Sends what this peer lacks, as far as its window is open. `taken`: from the log as it is. */
export function replicate(core: Core, out: Outbox, progress: Progress, taken?: Taken): void {
  if (core.lead === null || core.halted !== null) return
  if (progress.state === 'probe') return probe(core, out, progress)
  if (progress.state === 'snapshot') return
  const { inflightMessages, inflightBytes } = core.limits
  while (progress.next <= core.log.last.index && !progress.reading) {
    if (progress.inflight.length >= inflightMessages || progress.inflightBytes >= inflightBytes) return
    if (progress.inflight.length > 0 && isFarBehind(core, progress)) return
    if (progress.next <= core.log.before.index) return offerSnapshot(core, out, progress)
    const entries = take(core, progress.next, bytesAtOnce(core, progress), taken)
    if (entries === null) return readFromStorage(core, out, progress)
    sendEntries(core, out, progress, entries)
  }
}

function take(core: Core, from: number, maxBytes: number, taken?: Taken): readonly Entry[] | null {
  if (taken?.from === from && taken.maxBytes === maxBytes) return taken.entries
  const entries = core.log.slice(from, maxBytes)
  if (taken !== undefined) {
    taken.from = from
    taken.maxBytes = maxBytes
    taken.entries = entries
  }
  return entries
}

/** One message at a time until the peer says where the logs agree. */
function probe(core: Core, out: Outbox, progress: Progress): void {
  if (progress.probing || progress.reading) return
  if (progress.next <= core.log.before.index) return offerSnapshot(core, out, progress)
  const entries = core.log.slice(progress.next, core.limits.appendBytes)
  if (entries === null) {
    // Ask for agreement first; the entries are fetched once it is known from where.
    sendAppend(core, out, progress, previousOf(core, progress), [])
  } else {
    sendAppend(core, out, progress, previousOf(core, progress), entries)
  }
  progress.probing = true
}

function bytesAtOnce(core: Core, progress: Progress): number {
  const { appendBytes, catchUpBytes } = core.limits
  return isFarBehind(core, progress) ? Math.min(appendBytes, catchUpBytes) : appendBytes
}

function previousOf(core: Core, progress: Progress): Position {
  const index = progress.next - 1
  return { index, term: core.log.termAt(index) ?? 0 }
}

function readFromStorage(core: Core, out: Outbox, progress: Progress): void {
  progress.reading = true
  out.effect({
    type: 'readLog',
    peer: progress.member.id,
    from: progress.next,
    maxBytes: bytesAtOnce(core, progress),
  })
}

/** Entries for a peer that is behind what is kept in memory. */
export function onLogRead(
  core: Core,
  out: Outbox,
  progress: Progress,
  from: number,
  entries: readonly Entry[],
): void {
  progress.reading = false
  const first = entries[0]
  const last = entries.at(-1)
  const stillTrue = first !== undefined && last !== undefined && first.index === from && core.log.has(last)
  if (progress.state === 'replicate' && progress.next === from && stillTrue)
    sendEntries(core, out, progress, entries)
  replicate(core, out, progress)
}

function sendEntries(core: Core, out: Outbox, progress: Progress, entries: readonly Entry[]): void {
  const last = entries.at(-1)
  if (last === undefined) return
  let bytes = 0
  for (const entry of entries) bytes += entryBytes(entry)
  sendAppend(core, out, progress, previousOf(core, progress), entries)
  progress.next = last.index + 1
  progress.inflight.push({ last: last.index, bytes })
  progress.inflightBytes += bytes
}

function sendAppend(
  core: Core,
  out: Outbox,
  progress: Progress,
  previous: Position,
  entries: readonly Entry[],
): void {
  const round = core.lead?.round ?? 0
  out.send(progress.member, {
    type: 'append',
    term: core.term,
    previous,
    entries,
    commitIndex: core.commitIndex,
    round,
  })
}

/** A new round: every peer hears the leader and what is committed, and answers. */
export function sendHeartbeats(core: Core, out: Outbox): void {
  const { lead } = core
  if (lead === null) return
  lead.round++
  lead.roundAt = core.now
  for (const progress of lead.progress.values()) {
    if (progress.state === 'probe' && !progress.probing && !progress.reading) {
      probe(core, out, progress)
    } else {
      // Entries that are not answered are not sent again: a link that lives loses nothing, and who is slow must not get more and more.
      // While a snapshot is under way nothing is known to agree but the beginning.
      const previous = progress.state === 'snapshot' ? { index: 0, term: 0 } : previousOf(core, progress)
      sendAppend(core, out, progress, previous, [])
      if (progress.state === 'snapshot') remindOfSnapshot(core, out, progress)
    }
  }
}

import { encodeView, type Member, type PlacedView, type View } from '@chatroom/election'
import type { Entry } from '@chatroom/replication-log'
import type { Effect, Report } from './effects.ts'
import { viewVersionFault } from './machine-version.ts'
import type { Message } from './messages.ts'
import { type Core, currentView } from './state.ts'

/**
 * Collects the effects of one step. It decides which persist a message names, so that no handler can get the order wrong: no message leaves before the
 * term and vote it was said in are durable, and one that vouches for the log leaves after the log is.
 */
export class Outbox {
  readonly #core: Core
  readonly #sends: { to: Member; message: Message; vouchesForLog: boolean }[] = []
  readonly #others: Effect[] = []
  #hardStateChanged = false
  #truncateFrom: number | null = null
  #entries: Entry[] = []

  constructor(core: Core) {
    this.#core = core
  }

  send(to: Member, message: Message): void {
    this.#sends.push({ to, message, vouchesForLog: false })
  }

  /** For messages that say "my disk has it". */
  sendVouching(to: Member, message: Message): void {
    this.#sends.push({ to, message, vouchesForLog: true })
  }

  effect(effect: Effect): void {
    this.#others.push(effect)
  }

  report(report: Report): void {
    this.#others.push({ type: 'report', report })
  }

  /** Term, vote or cluster changed in the core. */
  hardState(): void {
    this.#hardStateChanged = true
  }

  /** The log changed in the core: the same change for the disk. */
  log(truncateFrom: number | null, entries: readonly Entry[]): void {
    if (truncateFrom !== null) {
      this.#truncateFrom = Math.min(truncateFrom, this.#truncateFrom ?? truncateFrom)
      this.#entries = this.#entries.filter((entry) => entry.index < truncateFrom)
    }
    for (const entry of entries) this.#entries.push(entry)
  }

  /** Stops the replica: nothing collected so far may leave. */
  halt(reason: string): void {
    this.#core.halted ??= reason
  }

  finish(): Effect[] {
    const core = this.#core
    if (core.halted !== null) return [{ type: 'halt', reason: core.halted }]
    const effects: Effect[] = []
    const held: Effect[] = []
    const logChanged = this.#truncateFrom !== null || this.#entries.length > 0
    if (this.#hardStateChanged || logChanged) {
      const persist = ++core.persistIssued
      if (this.#hardStateChanged) core.hardPersist = persist
      if (logChanged) {
        core.logPersist = persist
        for (const item of core.unsynced)
          item.last = Math.min(item.last, (this.#truncateFrom ?? Number.POSITIVE_INFINITY) - 1)
      }
      core.unsynced.push({ persist, last: core.log.last.index })
      const hardState = this.#hardStateChanged
        ? { term: core.term, votedFor: core.votedFor, clusterId: core.clusterId }
        : null
      held.push({
        type: 'persist',
        persist,
        hardState,
        truncateFrom: this.#truncateFrom,
        entries: this.#entries,
      })
    }
    for (const { to, message, vouchesForLog } of this.#sends) {
      const needed = vouchesForLog ? Math.max(core.hardPersist, core.logPersist) : core.hardPersist
      // What need not wait goes first: a leader's entries are on their way while its own disk is still being written.
      if (needed > core.persistDone) held.push({ type: 'send', to, message, after: needed })
      else effects.push({ type: 'send', to, message, after: null })
    }
    for (const effect of held) effects.push(effect)
    for (const effect of this.#others) effects.push(effect)
    return effects
  }
}

/** Takes entries into the log, in memory and for the disk, together with the views among them. */
export function appendEntries(
  core: Core,
  out: Outbox,
  entries: readonly Entry[],
  views: readonly PlacedView[],
): void {
  core.log.append(entries)
  out.log(null, entries)
  for (const view of views) {
    core.views.push(view)
    for (const member of view.members) core.deaths.learn(member)
    out.report({ type: 'view', view, inForce: false })
    const unsupported = viewVersionFault(core, view)
    if (unsupported !== null) return out.halt(unsupported)
    if (view.clusterId !== '' && core.clusterId !== '' && view.clusterId !== core.clusterId)
      return out.halt(
        `entry ${view.index} is of the cluster ${view.clusterId}, this replica of ${core.clusterId}`,
      )
  }
  const newest = entries.at(-1)
  if (newest !== undefined) core.entryTime = Math.max(core.entryTime, newest.time)
}

/** Removes the end of the log, in memory and on disk. A committed entry is never removed: that would be a broken rule, and the replica stops. */
export function truncateLog(core: Core, out: Outbox, from: number): void {
  if (from <= core.commitIndex) {
    out.halt(`entry ${from} would be removed, but everything up to ${core.commitIndex} is committed`)
    return
  }
  core.log.truncateFrom(from)
  while (core.views.length > 1 && currentView(core).index >= from) core.views.pop()
  out.log(from, [])
}

/** A view as the entry it is going to be. */
export function viewEntry(core: Core, view: View): { entry: Entry; placed: PlacedView } {
  const index = core.log.last.index + 1
  const time = Math.max(core.wallTime, core.entryTime)
  const entry: Entry = { index, term: core.term, time, kind: 'view', payload: encodeView(view) }
  return { entry, placed: { ...view, index, term: core.term } }
}

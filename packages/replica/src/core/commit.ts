import { names } from '@chatroom/election'
import type { Position } from '@chatroom/replication-log'
import type { Outbox } from './outbox.ts'
import { type Core, currentView } from './state.ts'

/** What this replica knows to be committed, with its term, so that others can compare it with their logs. */
export function commitPosition(core: Core): Position {
  return { index: core.commitIndex, term: core.log.termAt(core.commitIndex) ?? 0 }
}

/** Somebody knows the log to be committed up to a position; if this log has that very entry, it is committed here too (log matching). */
export function learnCommit(core: Core, out: Outbox, commit: Position): void {
  if (commit.index > core.commitIndex && core.log.has(commit)) advanceCommit(core, out, commit.index)
}

/** The log is committed up to `index`. The caller knows that; here follows what it means: admission, and applying. */
export function advanceCommit(core: Core, out: Outbox, index: number): void {
  const to = Math.min(index, core.log.last.index)
  if (to > core.commitIndex) {
    const from = core.commitIndex
    core.commitIndex = to
    const view = currentView(core)
    if (view.index > from && view.index <= to) out.report({ type: 'view', view, inForce: true })
    if (!core.admitted) admit(core, out)
    if (core.clusterId === '') joinCluster(core, out)
  }
  requestApply(core, out)
}

/** Entries that are committed and durable here are applied; a state machine is never ahead of its own disk. */
export function requestApply(core: Core, out: Outbox): void {
  const upTo = Math.min(core.commitIndex, core.log.durable)
  // A snapshot that takes the place of the state has these entries already; what comes after it waits until it is there.
  if (core.installing || upTo <= core.applyRequested) return
  core.applyRequested = upTo
  out.effect({ type: 'apply', upTo })
}

/**
 * A replica belongs to a cluster once the view that names it is committed: a first leader that dies before has named a cluster that nobody else will ever
 * know, and must be able to join the one that the others found.
 */
function joinCluster(core: Core, out: Outbox): void {
  const named = core.views.find((view) => view.clusterId !== '')
  if (named === undefined || named.index > core.commitIndex) return
  core.clusterId = named.clusterId
  out.hardState()
}

/** Fail-stop: admitted is who has learned, in this incarnation, that a view naming it is in force. */
function admit(core: Core, out: Outbox): void {
  for (const view of core.views) {
    if (view.index === 0 || view.index > core.commitIndex) continue
    const named = view.members.find((member) => names(member, core.self))
    if (named === undefined || named.incarnation !== core.self.incarnation) continue
    core.admitted = true
    out.report({ type: 'admitted', view })
    return
  }
}

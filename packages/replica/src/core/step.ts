import type { Member } from '@chatroom/election'
import { consider, onPulled, onTimeoutNow, onVoteReply } from './campaign.ts'
import { requestApply } from './commit.ts'
import type { Effect } from './effects.ts'
import type { Event } from './events.ts'
import { answerPull, onAppend, onPresence, onPull } from './follower.ts'
import { commitWhatIsHeld, onAppended, onPropose } from './leader.ts'
import { afterLeaving, hasLeft, onLeave, onLeaveAsked, proceedToLeave } from './leaving.ts'
import { onChangeMembers } from './membership.ts'
import type { Message } from './messages.ts'
import { Outbox } from './outbox.ts'
import { heardFrom, onObservation, reviewDeaths } from './peers.ts'
import { confirmReads, onRead } from './reads.ts'
import { onLogRead, replicate, replicateToAll } from './replicate.ts'
import { standDelay } from './role.ts'
import {
  onSnapshotAck,
  onSnapshotChunk,
  onSnapshotRead,
  onSnapshotTaken,
  onSnapshotWritten,
} from './snapshots.ts'
import { type Core, random } from './state.ts'
import { afterStall, onTick } from './timers.ts'
import { onTransfer, tickTransfer } from './transfer.ts'
import { onVoteRequest } from './vote.ts'

/**
 * The whole replica as one function: an event changes the core and says what has to be done. No clock, no randomness, no I/O; the same
 * events give the same effects, on any machine. `now` is monotonic, in milliseconds, and never goes back.
 *
 * A replica that finds itself in an impossible state answers with a single `halt`, and with nothing else ever after.
 */
export function step(core: Core, event: Event, now: number): Effect[] {
  const out = new Outbox(core)
  if (core.halted !== null) return out.finish()
  passTime(core, out, now)
  if (hasLeft(core) && !isQuestion(event)) afterLeaving(core, out, event)
  else {
    handle(core, out, event)
    proceedToLeave(core, out)
  }
  return out.finish()
}

/** What somebody waits for an answer to: he gets one from a replica that has left, too; it is no. */
function isQuestion({ type }: Event): boolean {
  return type === 'propose' || type === 'read' || type === 'transfer' || type === 'changeMembers'
}

function passTime(core: Core, out: Outbox, now: number): void {
  if (core.now < 0) {
    core.startedAt = now
    core.leaderHeardAt = now
    core.leaderlessSince = now
    core.standAt =
      now +
      (core.mode.onSilence === 'fence'
        ? standDelay(core)
        : core.limits.electionTimeoutMs * (1 + random(core)))
    for (const peer of core.peers.values()) peer.heardAt = now
  }
  const passed = core.now < 0 ? 0 : now - core.now
  core.now = Math.max(core.now, now)
  if (passed > core.limits.stallMs) afterStall(core, out, passed)
}

function handle(core: Core, out: Outbox, event: Event): void {
  switch (event.type) {
    case 'tick':
      core.wallTime = Math.max(core.wallTime, event.wallTime)
      return onTick(core, out)
    case 'receive':
      if (heardFrom(core, out, event.from)) receive(core, out, event.from, event.message)
      return
    case 'observe':
      return onObservation(core, out, event.observation)
    case 'persisted':
      return onPersisted(core, out, event.persist)
    case 'storageFull':
      core.fullSince = event.full ? core.now : null
      return
    case 'applied':
      core.appliedIndex = Math.max(core.appliedIndex, event.index)
      confirmReads(core, out)
      return tickTransfer(core, out)
    case 'propose':
      core.wallTime = Math.max(core.wallTime, event.wallTime)
      return onPropose(core, out, event.payloads, event.wallTime)
    case 'read':
      return onRead(core, out, event.ticket)
    case 'logRead':
      return onStorageRead(core, out, event)
    case 'snapshotRead': {
      const progress = core.lead?.progress.get(event.peer)
      if (progress === undefined) return
      onSnapshotRead(core, out, progress, event)
      return replicate(core, out, progress)
    }
    case 'snapshotWritten':
      return onSnapshotWritten(core, out, event)
    case 'snapshotTaken':
      return onSnapshotTaken(core, out, event.index, event.time)
    case 'transfer':
      return onTransfer(core, out, event.to)
    case 'leave':
      return onLeaveAsked(core, out)
    case 'changeMembers':
      core.wallTime = Math.max(core.wallTime, event.wallTime)
      return onChangeMembers(core, out, event.change)
  }
}

function receive(core: Core, out: Outbox, from: Member, message: Message): void {
  // While a snapshot is being installed the log stands still: nothing may be appended, vouched for or voted upon.
  if (core.installing && message.type !== 'presence' && message.type !== 'leave') return
  switch (message.type) {
    case 'append':
      return onAppend(core, out, from, message)
    case 'appended':
      onAppended(core, out, from, message)
      return tickTransfer(core, out)
    case 'voteRequest':
      onVoteRequest(core, out, from, message)
      // The request may carry proofs.
      return core.halted === null ? reviewDeaths(core, out) : undefined
    case 'voteReply':
      return onVoteReply(core, out, from, message)
    case 'presence':
      return onPresence(core, out, from, message)
    case 'pull':
      return onPull(core, out, from, message)
    case 'pulled':
      return onPulled(core, out, from, message)
    case 'snapshotChunk':
      return onSnapshotChunk(core, out, from, message)
    case 'snapshotAck':
      onSnapshotAck(core, out, from, message)
      return replicateToAll(core, out)
    case 'timeoutNow':
      return onTimeoutNow(core, out, from, message)
    case 'leave':
      return onLeave(core, out, from, message)
    case 'leaveNoted':
      return
  }
}

function onPersisted(core: Core, out: Outbox, persist: number): void {
  core.persistDone = Math.max(core.persistDone, persist)
  while (core.unsynced[0] !== undefined && core.unsynced[0].persist <= persist) {
    core.log.markDurable(core.unsynced[0].last)
    core.unsynced.shift()
  }
  if (core.role === 'leader') commitWhatIsHeld(core, out)
  else requestApply(core, out)
  if (core.role === 'candidate') consider(core, out)
}

/** Entries from the storage: for a follower that lags, or for a candidate that adopts this log. */
function onStorageRead(core: Core, out: Outbox, event: Extract<Event, { type: 'logRead' }>): void {
  const { pull } = core
  if (pull !== null && pull.from.id === event.peer && pull.index === event.from) {
    core.pull = null
    if (core.votedFor === pull.from.id && core.role === 'follower')
      answerPull(core, out, pull.from, event.entries)
    return
  }
  const progress = core.lead?.progress.get(event.peer)
  if (progress !== undefined) onLogRead(core, out, progress, event.from, event.entries)
}

import type { ReplicaId } from '@chatroom/election'
import type { ReplicaErrorCode } from '../errors.ts'

/**
 * Told what a replica measures, for metrics. Durations in milliseconds. Called in the middle of the work: a method must return at once and must not throw.
 * Without an observer nothing is measured but what `status` shows.
 */
export interface ReplicaObserver {
  /** The log took one write and made it durable: for a disk, one `fdatasync`. */
  persisted(ms: number): void
  /** On the leader: commands that entered the log together were committed. `ms`: from entering the leader's log. */
  committed(ms: number, commands: number): void
  /** A command was not taken, or its outcome is not known. */
  proposalsFailed(code: ReplicaErrorCode, commands: number): void
  /** On the leader: a heartbeat came back. What the other's disk had under way before it is included. */
  roundTrip(peer: ReplicaId, ms: number): void
  /**
   * On the leader in fail-stop mode: this member had the entries last, so many milliseconds after all others, and the commit waited for it alone. The member
   * may be the leader itself, with its own disk.
   */
  waitedFor(member: ReplicaId, ms: number): void
  /** A snapshot of the own state is on the disk. */
  snapshotTaken(ms: number, bytes: number): void
  /** A snapshot was read and is the state now: at the start, or one of the leader's. `ms` is without the time for the network. */
  snapshotRestored(ms: number): void
}

/** How much waits inside a replica, now. */
export interface ReplicaLoad {
  /** Commands proposed here that are not answered yet. */
  readonly proposals: number
  /** Writes to the log that wait for the one under way. */
  readonly persists: number
  /** Messages that wait for a write to the log. */
  readonly heldMessages: number
  /** Bytes to each other replica that the network has not taken yet. */
  readonly queuedBytes: ReadonlyMap<ReplicaId, number>
}

import type { ReplicaId } from '@chatroom/election'
import type { Damage } from '@chatroom/replication-log'
import type { Report } from './core/effects.ts'
import type { MemberChange } from './core/events.ts'
import type { ReplicaError } from './errors.ts'
import type { ReplicaLoad } from './ports/observer.ts'
import type { StateMachine } from './ports/state-machine.ts'
import type { MendingEvent } from './shell/mending.ts'
import type { ProposalListener } from './shell/proposals.ts'
import type { SavedSnapshot } from './shell/snapshotter.ts'
import type { ReplicaStatus } from './status.ts'

export type ReplicaEvent =
  | Report
  | MendingEvent
  | { readonly type: 'halted'; readonly reason: string }
  | { readonly type: 'fencing failed'; readonly reason: string }
  | { readonly type: 'storage full'; readonly full: boolean }

/** One replica of a replicated state machine. */
export interface Replica<
  Command,
  Reply,
  Machine extends StateMachine<Command, Reply> = StateMachine<Command, Reply>,
> {
  readonly id: ReplicaId
  /** For looks that may be stale; what must be up to date goes through `read`. */
  readonly stateMachine: Machine
  /** Opens the storage, mending it if it is damaged, binds the listener, takes part. Rejects if the storage cannot be opened or the address is taken. */
  start(): Promise<void>
  /** Resolves when the command is committed, durable and applied here. Commands enter the log in the order of the calls. Rejects with a `ReplicaError`. */
  propose(
    command: Command,
    options?: { readonly signal?: AbortSignal; readonly trace?: string | null },
  ): Promise<Reply>
  /**
   * Proposes several commands without a promise for each: they enter the log side by side, in their order, or none of them does. `listener` hears what became of
   * each, once, in their order, and not before this returns. `traces`: for each command what to follow it as, or null; see `ReplicaOptions.tracing`.
   * @returns null, or why none was taken: then the listener hears nothing
   */
  proposeAll(
    commands: readonly Command[],
    listener: ProposalListener<Reply>,
    traces?: readonly (string | null)[],
  ): ReplicaError | null
  /** Runs `query` on a state that has everything that was acknowledged before the call (linearizable). Only at the leader. Rejects with a `ReplicaError`. */
  read<T>(query: (stateMachine: Machine) => T): Promise<T>
  /** Throws a `ReplicaError` 'stopped' while it does not take part; the message says why. */
  status(): ReplicaStatus
  /** What is damaged on its disk and keeps it from taking part, and what it waits for, in words; null if it is not that. */
  mending(): { readonly damage: Damage; readonly words: string } | null
  /**
   * Runs `query` on the local state as of the entry of this index: when it has been applied and before the next is, so that replicas can be compared. Rejects with
   * 'not ready' if a later entry is applied already, with 'aborted' when `signal` ends the wait, and with what `query` throws.
   */
  readAt<T>(
    index: number,
    query: (stateMachine: Machine) => T,
    options?: { readonly signal?: AbortSignal },
  ): Promise<T>
  /**
   * Everything that is applied here, as a snapshot that is durable on this replica's disk: a new one, unless the newest has it all. Null if nothing is applied. For backups and
   * for other replicas. Rejects with 'storage full', and with 'not ready' while this replica takes in the snapshot of a leader.
   */
  snapshot(): Promise<SavedSnapshot | null>
  /** What waits here, for metrics. */
  load(): ReplicaLoad
  on(listener: (event: ReplicaEvent) => void): () => void
  /** Hands leadership to `to`, or to the most advanced follower, of equals to the one whose link is the oldest. Resolves when another replica leads; rejects if none took over. */
  transferLeadership(to?: ReplicaId): Promise<void>
  /** Majority mode: changes the membership by one. Resolves when the change is committed. */
  changeMembers(change: MemberChange): Promise<void>
  /**
   * For a planned end: hands leadership over if it leads and tells the others that this run ends, so that they go on without it at once. Nothing is taken here afterwards, and `stop` is left
   * to be called. Resolves when the others know, or do not answer.
   */
  leave(): Promise<void>
  stop(): Promise<void>
  /** Resolves after `stop`; rejects with a `ReplicaError` 'halted' if the replica had to stop itself. */
  readonly closed: Promise<void>
}

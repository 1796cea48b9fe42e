import type { Mode, ModeName, ReplicaId } from '@chatroom/election'
import { failStop, majority } from '@chatroom/election'
import type { Storage } from '@chatroom/replication-log'
import { defaultLimits, type Limits } from './core/limits.ts'
import type { StepRecord } from './core/record.ts'
import { ReplicaError } from './errors.ts'
import type { Clock } from './ports/clock.ts'
import type { EntrySource } from './ports/entry-source.ts'
import type { Fencer } from './ports/fencer.ts'
import type { ReplicaObserver } from './ports/observer.ts'
import type { StateMachine } from './ports/state-machine.ts'
import type { Tracing } from './ports/tracing.ts'
import type { Transport } from './ports/transport.ts'

export interface ReplicaOptions<
  Command,
  Reply,
  Machine extends StateMachine<Command, Reply> = StateMachine<Command, Reply>,
> {
  /** This replica's number, 0 to 6. */
  readonly id: ReplicaId
  /** The members a new cluster starts with; every replica of it must be given the same. Ignored once there is a cluster. */
  readonly members: readonly ReplicaId[]
  /** Other replicas that may join later (as learners, or in fail-stop mode by themselves). Default: none but `members`. */
  readonly peers?: readonly ReplicaId[]
  readonly mode: ModeName
  readonly stateMachine: Machine & StateMachine<Command, Reply>
  readonly storage: Storage
  readonly transport: Transport
  /** Fail-stop: kills silent members. Without one, writes wait for them. */
  readonly fencer?: Fencer
  /** Default: the system's. */
  readonly clock?: Clock
  /** Is told what is measured, for metrics. Default: nobody. */
  readonly observer?: ReplicaObserver
  /** Follows the commands that `proposeAll` and `propose` name a trace for, and those of other replicas. Default: nobody, and nothing is done for it. */
  readonly tracing?: Tracing
  /** Is told every step of the replica, for whoever compares what it does with the rules. Called in the middle of the work: it must not throw. Default: nobody. */
  readonly recorder?: (step: StepRecord) => void
  /** What this replica tells the others of itself. */
  readonly hello?: {
    /** Where clients reach this replica, `host:port` or any other text: the others pass it on as the leader's address. Default: ''. */
    readonly clientAddress?: string
    /** Which process a fencer of the others has to kill. Default: what this replica's own fencer says. */
    readonly pid?: number
    readonly processStart?: string
  }
  readonly limits?: Partial<Limits>
  /** Who may have entries that turn out to be damaged here when the storage is opened. Asked in this order. Default: nobody. */
  readonly mendFrom?: readonly EntrySource[]
  /** How long `start` waits for those of them that do not answer, milliseconds. Default 120,000. */
  readonly mendWithinMs?: number
  /** A snapshot is taken whenever so many bytes of commands were applied since the last one. Default 64 MiB. */
  readonly snapshotEveryBytes?: number
  /**
   * With more than so many bytes in its storage this replica counts as full: commands are refused as 'storage full', while reads, elections and what is under way already go on.
   * So it should leave room for `limits.uncommittedBytes`. Default: only what the storage refuses counts.
   */
  readonly storageQuotaBytes?: number
  /** Commands that may be under way at once; more are refused as overloaded. Default 20,000. */
  readonly maxProposals?: number
}

export const modes: Readonly<Record<ModeName, Mode>> = { 'fail-stop': failStop, majority }

/** Defaults filled in. Throws a `ReplicaError` 'invalid configuration' for what cannot work. */
export function checkedLimits(options: {
  id: ReplicaId
  members: readonly ReplicaId[]
  limits?: Partial<Limits>
}): Limits {
  const { id, members } = options
  const limits = { ...defaultLimits, ...options.limits }
  const wrong = (what: string): never => {
    throw new ReplicaError('invalid configuration', what)
  }
  if (!Number.isInteger(id) || id < 0 || id > 6) wrong(`replica id ${id}: must be 0 to 6`)
  if (members.length < 1 || members.length > 7) wrong(`${members.length} members: a cluster has 1 to 7`)
  if (new Set(members).size !== members.length) wrong(`members ${members.join(', ')}: one is named twice`)
  for (const member of members)
    if (!Number.isInteger(member) || member < 0 || member > 6) wrong(`member ${member}: must be 0 to 6`)
  for (const [name, value] of Object.entries(limits)) {
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
      wrong(`limit ${name}: ${value} is not a number of 0 or more`)
  }
  if (limits.heartbeatMs * 3 > limits.fenceAfterMs)
    wrong(`heartbeatMs ${limits.heartbeatMs} must be at most a third of fenceAfterMs ${limits.fenceAfterMs}`)
  if (limits.heartbeatMs * 2 > limits.electionTimeoutMs)
    wrong(
      `heartbeatMs ${limits.heartbeatMs} must be at most half of electionTimeoutMs ${limits.electionTimeoutMs}`,
    )
  if (limits.stallMs >= limits.fenceAfterMs)
    wrong(`stallMs ${limits.stallMs} must be less than fenceAfterMs ${limits.fenceAfterMs}`)
  if (limits.leaseClockDrift >= 1) wrong(`leaseClockDrift ${limits.leaseClockDrift} must be less than 1`)
  return limits
}

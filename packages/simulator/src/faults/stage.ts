import type { ReplicaId } from '@chatroom/election'
import type { MemberChange } from '@chatroom/replica'
import type { Random } from '../kernel/random.ts'
import type { Timeline } from '../kernel/timeline.ts'
import type { HostClock } from '../world/virtual-clock.ts'
import type { VirtualDisk } from '../world/virtual-disk.ts'
import type { VirtualNetwork } from '../world/virtual-network.ts'
import type { VirtualProcess } from '../world/virtual-process.ts'
import type { Fault } from './fault.ts'

/** The cluster as those see it who bring it into trouble: without what it replicates. */
export interface Stage {
  readonly network: VirtualNetwork
  readonly hosts: readonly StageHost[]
  /** The fencer does not work. */
  fencerBroken: boolean
  /** Who becomes leader ends after so many effects; null: lives on. */
  newLeadersDieAfter: number | null
  /** Called when somebody becomes leader. */
  onElection: (() => void) | null
  /** Starts the replica's process if none runs. */
  start(id: ReplicaId): void
  /** Whether a leader serves whose view names three members or more, each with the disk that it has, and knows of all that this replica has on its disk that it is committed. */
  canLoseDiskOf(id: ReplicaId): boolean
  /** Whoever serves, if anybody does. */
  leader(): ReplicaId | null
  /** A bit flips in an entry that the replica takes for committed, if others have to have it, too; and the replica ends, so that the next start finds it. `share`: which entry. */
  rot(id: ReplicaId, share: number): void
  /** An operator stops everybody and founds a new cluster on the best disk that is left (fail-stop, rule 6). `without`: whose disk is lost. */
  forceRecovery(without: ReplicaId | null): void
  /** What an operator asks of whoever leads; nothing if nobody does. */
  askLeader(request: (leader: Operator) => Promise<void>): void
}

export interface StageHost {
  readonly id: ReplicaId
  readonly disk: VirtualDisk
  readonly clock: HostClock
  readonly program: { readonly process: VirtualProcess } | null
}

export interface Operator {
  transferLeadership(to?: ReplicaId): Promise<void>
  changeMembers(change: MemberChange): Promise<void>
}

/** What a fault can do. */
export interface Means {
  readonly stage: Stage
  readonly random: Random
  readonly timeline: Timeline
  /** Undoes something after so many milliseconds, or when faults cease. */
  readonly until: (ms: number, undo: () => void) => void
  /** When the replica's process ends the next time, it is started again after so many milliseconds. */
  readonly downFor: (id: ReplicaId, ms: number) => void
}

export type Injector = (fault: Fault, host: StageHost, means: Means) => void

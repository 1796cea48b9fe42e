import type { ReplicaId } from '@chatroom/election'
import type { HardState, Position } from '@chatroom/replication-log'
import type { Observed } from './observed.ts'

/** One mode's model as the replay needs it. Everything answers null, or why the model does not allow it. */
export interface Rules {
  /** A process ended; its disk has what the model says it has. */
  crash(id: ReplicaId): string | null
  restart(id: ReplicaId): string | null
  /** The disk has the log up to here. */
  flush(id: ReplicaId, upTo: number): string | null
  take(id: ReplicaId, observed: Observed): string | null
  /** Whether this is what the model has: in memory, or on disk if the process has ended. */
  compare(id: ReplicaId, is: { readonly term: number; readonly last: Position }): string | null
  compareVote(id: ReplicaId, hardState: HardState): string | null
  /** What the state that the model is in breaks. */
  broken(): string | null
  describe(): string
}

import type { ReplicaId } from '@chatroom/election'
import type { StepRecord } from '@chatroom/replica'
import type { StoredState } from '@chatroom/replication-log'

/** What the replicas of a run did, in order, for whoever compares it with the rules. */
export type Recorded =
  /** A process opened its storage, and found this. */
  | { readonly type: 'starts'; readonly replica: ReplicaId; readonly stored: StoredState }
  | { readonly type: 'step'; readonly replica: ReplicaId; readonly step: StepRecord }
  /** Its process ended; what its disk kept shows at the next start. */
  | { readonly type: 'ends'; readonly replica: ReplicaId }

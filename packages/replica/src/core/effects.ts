import type { Member, PlacedView, ReplicaId } from '@chatroom/election'
import type { Entry, HardState, Position } from '@chatroom/replication-log'
import type { Hello } from '../ports/transport.ts'
import type { Role } from '../status.ts'
import type { Message } from './messages.ts'

/** What a replica wants done. The order of the list is the order in which to begin. */
export type Effect =
  /** Make durable; then report `persisted` with this number. Numbers count up; persists are done in their order. */
  | {
      readonly type: 'persist'
      readonly persist: number
      readonly hardState: HardState | null
      readonly truncateFrom: number | null
      readonly entries: readonly Entry[]
    }
  /** Send, but not before the named persist is done (null: at once). */
  | { readonly type: 'send'; readonly to: Member; readonly message: Message; readonly after: number | null }
  /** Entries up to and including this one are committed and durable here: apply them in order, then report `applied`. */
  | { readonly type: 'apply'; readonly upTo: number }
  /** Answer to `propose`: the commands stand at these indexes, in this term. Their replies follow from applying. */
  | { readonly type: 'proposed'; readonly first: number; readonly term: number }
  | { readonly type: 'proposalRefused'; readonly why: Refusal }
  /** Leadership ended: what was proposed and is not yet applied may or may not take effect. */
  | { readonly type: 'leadershipLost' }
  /** The read may look at the state now. */
  | { readonly type: 'readReady'; readonly ticket: number }
  | { readonly type: 'readRefused'; readonly ticket: number; readonly why: Refusal }
  /** Read entries from the storage, report `logRead`. */
  | { readonly type: 'readLog'; readonly peer: ReplicaId; readonly from: number; readonly maxBytes: number }
  /** Read a part of the newest snapshot (that of `index`), report `snapshotRead`. */
  | {
      readonly type: 'readSnapshot'
      readonly peer: ReplicaId
      readonly index: number
      readonly offset: number
    }
  /** Write a part of a snapshot from the leader; when it is whole: commit it, restore the state machine from it, report `snapshotWritten`. */
  | {
      readonly type: 'writeSnapshot'
      readonly from: Member
      readonly snapshot: Position
      readonly view: PlacedView
      readonly time: number
      readonly offset: number
      readonly data: Uint8Array
      readonly total: number
    }
  /** Entries up to and including this one are not needed any more. */
  | { readonly type: 'compact'; readonly index: number }
  /** Kill the process that said this hello. */
  | { readonly type: 'fence'; readonly hello: Hello; readonly silentMs: number }
  | { readonly type: 'transferred'; readonly ok: boolean; readonly words: string }
  | { readonly type: 'membersChanged'; readonly ok: boolean; readonly words: string }
  /** Answer to `leave`: nothing that this run does counts any more. `unheard`: who did not say that it knows. */
  | { readonly type: 'left'; readonly unheard: readonly ReplicaId[] }
  | { readonly type: 'report'; readonly report: Report }
  /** An impossible state. The shell stops everything at once: no message, no acknowledgement leaves any more. */
  | { readonly type: 'halt'; readonly reason: string }

/** Why a proposal or a read was not taken. */
export type Refusal = 'not leader' | 'not ready' | 'overloaded' | 'storage full'

/** For logs and metrics; nothing depends on them. */
export type Report =
  | { readonly type: 'role'; readonly role: Role; readonly term: number }
  | { readonly type: 'leader'; readonly leader: ReplicaId | null; readonly term: number }
  | { readonly type: 'view'; readonly view: PlacedView; readonly inForce: boolean }
  | { readonly type: 'admitted'; readonly view: PlacedView }
  | { readonly type: 'proven dead'; readonly member: Member }
  /** It said that it ends: as good as a proof. */
  | { readonly type: 'left'; readonly member: Member }
  | { readonly type: 'fenced'; readonly member: Member; readonly silentMs: number }
  | { readonly type: 'stalled'; readonly ms: number }
  | { readonly type: 'gave up leading'; readonly term: number; readonly why: string }
  | { readonly type: 'peer rejected'; readonly peer: ReplicaId; readonly reason: string }
  /** On the leader: another replica said that its disk is full, or that it has room again. */
  | { readonly type: 'peer storage full'; readonly peer: ReplicaId; readonly full: boolean }

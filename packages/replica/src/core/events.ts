import type { Member, PlacedView, ReplicaId } from '@chatroom/election'
import type { Entry, Position } from '@chatroom/replication-log'
import type { PeerObservation } from '../ports/transport.ts'
import type { Message } from './messages.ts'

/** What happens to a replica. Every event comes with the monotonic time at which it happened. */
export type Event =
  /** Time passes. `wallTime`: milliseconds since 1970, for what this replica may write into an entry. */
  | { readonly type: 'tick'; readonly wallTime: number }
  | { readonly type: 'receive'; readonly from: Member; readonly message: Message }
  | { readonly type: 'observe'; readonly observation: PeerObservation }
  /** Everything up to and including this persist effect survives a power cut. */
  | { readonly type: 'persisted'; readonly persist: number }
  /** The own disk is full, so that persists wait for room, or has room again. */
  | { readonly type: 'storageFull'; readonly full: boolean }
  /** The state machine has applied everything up to here. */
  | { readonly type: 'applied'; readonly index: number }
  /** Commands of clients, in order. They stand in the log one after the other, or none of them does. */
  | { readonly type: 'propose'; readonly payloads: readonly Uint8Array[]; readonly wallTime: number }
  /** A linearizable read asks when it may look at the state. */
  | { readonly type: 'read'; readonly ticket: number }
  /** Answer to a `readLog` effect. */
  | {
      readonly type: 'logRead'
      readonly peer: ReplicaId
      readonly from: number
      readonly entries: readonly Entry[]
    }
  /** Answer to a `readSnapshot` effect. `total` 0: there is none to read (it was replaced; ask again). */
  | {
      readonly type: 'snapshotRead'
      readonly peer: ReplicaId
      readonly index: number
      readonly offset: number
      readonly data: Uint8Array
      readonly total: number
    }
  /** Answer to a `writeSnapshot` effect: so many bytes are written; `installed` when it is whole, durable and restored. */
  | {
      readonly type: 'snapshotWritten'
      readonly from: Member
      readonly snapshot: Position
      readonly view: PlacedView
      readonly time: number
      readonly offset: number
      readonly installed: boolean
    }
  /** The shell took a snapshot of the state machine and made it durable. */
  | { readonly type: 'snapshotTaken'; readonly index: number; readonly time: number }
  | { readonly type: 'transfer'; readonly to: ReplicaId | null }
  /** This run is going to end, as planned. */
  | { readonly type: 'leave' }
  /** Majority mode: one change of the membership. */
  | { readonly type: 'changeMembers'; readonly change: MemberChange; readonly wallTime: number }

export type MemberChange =
  | { readonly type: 'addLearner'; readonly id: ReplicaId }
  | { readonly type: 'promote'; readonly id: ReplicaId }
  | { readonly type: 'remove'; readonly id: ReplicaId }

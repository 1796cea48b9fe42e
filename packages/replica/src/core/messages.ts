import type { Member, PlacedView, ReplicaId } from '@chatroom/election'
import type { Entry, Position } from '@chatroom/replication-log'

/**
 * What replicas say to each other. A link delivers messages of one sender incarnation to one receiver incarnation in order, or loses them;
 * it never invents or changes one. The identity of both ends is the link's business (see the Transport port), so no message repeats it.
 */
export type Message =
  | Append
  | Appended
  | VoteRequest
  | VoteReply
  | Presence
  | Pull
  | Pulled
  | SnapshotChunk
  | SnapshotAck
  | TimeoutNow
  | Leave
  | LeaveNoted

/** A leader's entries; without entries, its heartbeat (Raft §5.3). */
export interface Append {
  readonly type: 'append'
  readonly term: number
  /** The entry just before `entries`. */
  readonly previous: Position
  readonly entries: readonly Entry[]
  readonly commitIndex: number
  /** Counts the leader's rounds of heartbeats; the answer returns it (ReadIndex, thesis §6.4). */
  readonly round: number
  /** Of entries whose way is followed, what to call it. No rule depends on it: the core neither writes nor reads it. Absent: of none. */
  readonly traces?: readonly EntryTrace[]
}

/** What names the trace of one entry; see `OpenStage.context`. */
export interface EntryTrace {
  readonly index: number
  readonly context: string
}

/** Answer to `append`. */
export interface Appended {
  readonly type: 'appended'
  readonly term: number
  readonly accepted: boolean
  /** Accepted: the log equals the leader's up to here and is durable up to here. */
  readonly matchIndex: number
  /** Refused: the newest position at which the logs may still agree. */
  readonly hint: Position
  readonly round: number
  /** How far the sender knows the log to be committed: tells the leader who is admitted. */
  readonly commitIndex: number
  /** The sender's disk has no room: entries wait there until it has. */
  readonly storageFull: boolean
}

export interface VoteRequest {
  readonly type: 'voteRequest'
  /** The term stood for. A `pre` request asks without changing anybody's term (thesis §9.6). */
  readonly term: number
  readonly pre: boolean
  /** Fail-stop, rule 6: everybody died; all members of the newest view are back. */
  readonly recovery: boolean
  /** The leader asked for this election: do not defend it (thesis §3.10). */
  readonly transfer: boolean
  readonly last: Position
  readonly view: PlacedView
  readonly commit: Position
  /** Members of the candidate's view that it has proven dead. A proof is a fact, so it may be passed on. */
  readonly dead: readonly Member[]
}

/** Why a vote was refused; a value, shown by `status`. */
export type VoteRefusal =
  | 'stale term'
  | 'voted for another'
  | 'has a leader'
  | 'is the leader'
  | 'log is more up to date'
  | 'knows a newer view'
  | 'is admitted'
  | 'not in the view'
  | 'distrusts its clock'

export interface VoteReply {
  readonly type: 'voteReply'
  /** The voter's term after the request. A `pre` request does not change it. */
  readonly term: number
  readonly pre: boolean
  readonly granted: boolean
  readonly refusal: VoteRefusal | null
  readonly last: Position
  readonly view: PlacedView
  readonly commit: Position
}

/** What a replica that does not lead tells everybody from time to time, so that recovery knows who is back and admission spreads. */
export interface Presence {
  readonly type: 'presence'
  readonly term: number
  /** The leader it follows. */
  readonly leader: ReplicaId | null
  readonly admitted: boolean
  readonly last: Position
  readonly view: PlacedView
  readonly commit: Position
}

/** A candidate that holds all votes of its term adopts the most up-to-date log among the voters (fail-stop, rule 4). */
export interface Pull {
  readonly type: 'pull'
  readonly term: number
  readonly previous: Position
}

export interface Pulled {
  readonly type: 'pulled'
  readonly term: number
  readonly previous: Position
  /** false: the logs do not agree at `previous`; `hint` is the newest position at which they may. */
  readonly matched: boolean
  readonly hint: Position
  readonly entries: readonly Entry[]
  /** Where the voter's log ends. */
  readonly last: Position
}

/** Part of the leader's newest snapshot, for a follower that lacks entries the leader no longer has. */
export interface SnapshotChunk {
  readonly type: 'snapshotChunk'
  readonly term: number
  readonly snapshot: Position
  readonly view: PlacedView
  /** `time` of the entry at the snapshot's index. */
  readonly time: number
  readonly offset: number
  readonly data: Uint8Array
  /** Bytes of the whole. */
  readonly total: number
}

export interface SnapshotAck {
  readonly type: 'snapshotAck'
  readonly term: number
  readonly snapshot: Position
  /** Next byte wanted; `total` when installed. */
  readonly offset: number
  readonly installed: boolean
}

/** Stand for election now (leadership transfer, thesis §3.10). */
export interface TimeoutNow {
  readonly type: 'timeoutNow'
  readonly term: number
}

/** The last that this run of a replica says: it ends as planned, and does nothing more that anybody could wait for. */
export interface Leave {
  readonly type: 'leave'
  readonly term: number
  /** Whom it asked to take over, if it led. */
  readonly successor: ReplicaId | null
}

/** Answer to `leave`: nobody waits for you here any more. */
export interface LeaveNoted {
  readonly type: 'leaveNoted'
  readonly term: number
}

import type { Member, PlacedView, ReplicaId } from '@chatroom/election'

export type Role = 'leader' | 'follower' | 'candidate' | 'learner' | 'returnee'

/**
 * Why something does not happen: a closed set of values, so that programs can act on them, each with the words `status` shows.
 * `replicas` are those waited for.
 */
export interface Waiting {
  readonly for: /** Rule 6: all members of the newest view have to come back before anybody may lead. */
    | 'members of the newest view'
    /** An election is under way. */
    | 'votes'
    /** Somebody has to be proven dead, or answer, before anybody may lead or a write may commit. */
    | 'proof about a silent member'
    /** Majority mode: too few voters answer. */
    | 'a quorum'
    /** The leader's first view or entry is not committed yet. */
    | 'the first commit of the term'
    /** Writes wait for this member's disk. */
    | 'acknowledgement of a slow member'
    /** This replica is being brought up to date. */
    | 'catching up'
    | 'own disk'
    /** A disk is full. */
    | 'room on a disk'
    /** Others follow a leader that has not spoken to this replica yet. */
    | 'a leader'
    /** This replica's data is of a disk that the view does not name (rule 9). */
    | 'admission of a new disk'
    /** It runs, but is not talked to: another cluster's data, another version, another mode. The words say which. */
    | 'a replica that is turned away'
  readonly replicas: readonly ReplicaId[]
  readonly words: string
  /** Milliseconds since it began. */
  readonly sinceMs: number
}

export interface PeerStatus {
  readonly id: ReplicaId
  readonly address: string
  readonly connected: boolean
  /** What the last contact said. */
  readonly member: Member | null
  readonly inView: boolean
  readonly provenDead: boolean
  /** On the leader: how the log is sent to it. */
  readonly progress: 'probe' | 'replicate' | 'snapshot' | null
  readonly matchIndex: number | null
  /** Milliseconds since it was heard; null if never. */
  readonly silentMs: number | null
}

export interface ReplicaStatus {
  readonly id: ReplicaId
  readonly pid: number
  readonly disk: string
  readonly incarnation: number
  readonly clusterId: string
  readonly mode: 'fail-stop' | 'majority'
  readonly role: Role
  /** Version of its state machine. */
  readonly machineVersion: number
  /** The version that commands may need now, since all replicas have it; at the leader it is raised when the last one has come with a newer one. */
  readonly commonVersion: number
  readonly term: number
  readonly leader: ReplicaId | null
  /** The leader's client address, if a leader is known. */
  readonly leaderAddress: string | null
  /** Serves clients: leads, and its first entry of the term is committed. */
  readonly serving: boolean
  readonly view: PlacedView
  /** The view is committed, as far as this replica knows. */
  readonly viewInForce: boolean
  /** Whether it knows that a view names this run and is in force; not any more once it has said that it leaves. */
  readonly admitted: boolean
  readonly commitIndex: number
  readonly appliedIndex: number
  readonly lastIndex: number
  readonly snapshotIndex: number
  /** How many more members may crash now, at once, and the chat goes on. On a replica that does not lead: as the view it knows allows. */
  readonly crashesTolerated: number
  readonly waiting: readonly Waiting[]
  /**
   * On the leader in fail-stop mode: the member that commits wait for most, and for how long after all others have the entries, milliseconds, averaged over
   * about the last ten seconds. Null: elsewhere, alone in the view, or before the first commit.
   */
  readonly slowestMember: { readonly id: ReplicaId; readonly delayMs: number } | null
  readonly peers: readonly PeerStatus[]
}

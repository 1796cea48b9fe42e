/** What `chatctl` asks of a replica, at its peer address. */
export interface ReplicaClient {
  /** Rejects with a `ReplicaUnreachable` if it does not answer in time. */
  status(address: string): Promise<ReplicaAnswer>
  /** Asks the leader to hand over. Resolves when another replica leads; rejects with the leader's reason if it does not. */
  transferLeadership(address: string, to: number | null): Promise<void>
  /** Gives back all connections. */
  close(): void
}

/** No answer from a replica. The message says why, to follow `replica 1: `. */
export class ReplicaUnreachable extends Error {
  override readonly name = 'ReplicaUnreachable'
}

/** A replica's own words about itself. */
export interface ReplicaAnswer {
  readonly id: number
  readonly pid: number
  readonly incarnation: number
  readonly clusterId: string
  readonly mode: 'fail-stop' | 'majority'
  readonly role: 'leader' | 'follower' | 'candidate' | 'learner' | 'returnee'
  readonly term: number
  readonly leader: number | null
  readonly leaderAddress: string | null
  readonly serving: boolean
  readonly view: {
    readonly members: readonly { readonly id: number }[]
    readonly learners: readonly { readonly id: number }[]
  }
  readonly viewInForce: boolean
  readonly admitted: boolean
  readonly commitIndex: number
  readonly appliedIndex: number
  readonly lastIndex: number
  readonly snapshotIndex: number
  readonly crashesTolerated: number
  readonly waiting: readonly {
    readonly for: string
    readonly replicas: readonly number[]
    readonly words: string
    readonly sinceMs: number
  }[]
}

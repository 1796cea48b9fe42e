import type { SnapshotCopy } from '@chatroom/replication-log'

/** What `chatctl` asks of a replica, at its peer address. */
export interface ReplicaClient {
  /** Rejects with a `ReplicaUnreachable` if it does not answer in time. */
  status(address: string): Promise<ReplicaAnswer>
  /** Asks the leader to hand over. Resolves when another replica leads; rejects with the leader's reason if it does not. */
  transferLeadership(address: string, to: number | null): Promise<void>
  /** Asks the leader to change the membership. Resolves when the change is committed; rejects with the leader's reason. */
  changeMembers(
    address: string,
    change: { readonly type: 'addLearner' | 'promote' | 'remove'; readonly id: number },
  ): Promise<void>
  /** Sets how much the replica logs, unless null; gives the level that is set. Rejects with the reason if it is not. */
  logLevel(address: string, level: string | null): Promise<string>
  /** The hash of its state as of this entry; rejects with the replica's reason. */
  stateHash(
    address: string,
    index: number,
    howeverLong: boolean,
  ): Promise<{ readonly hash: string; readonly tookMs: number }>
  /** Asks the leader for a page of accounts. Rejects with its reason; so the next two. */
  listAccounts(address: string, prefix: string, after: string): Promise<readonly AccountRow[]>
  administerAccount(address: string, name: string, change: 'lock' | 'unlock' | 'delete'): Promise<void>
  /** A page of what waits in its mailbox; nothing at the end. */
  readMailbox(address: string, name: string, afterSequence: number): Promise<readonly WaitingMessage[]>
  /** Everything it has applied. Rejects with a `ReplicaUnreachable`; the chunks throw if the snapshot breaks off. */
  snapshot(address: string): Promise<SnapshotCopy>
  /** Gives back all connections. */
  close(): void
}

export interface AccountRow {
  readonly name: string
  readonly accountId: number
  readonly locked: boolean
  readonly waiting: number
  readonly waitingBytes: number
}

export interface WaitingMessage {
  readonly sequence: number
  readonly messageId: string
  readonly from: string
  readonly text: string
  readonly sentAtMs: number
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
  readonly machineVersion: number
  readonly commonVersion: number
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
  readonly slowestMember: { readonly id: number; readonly delayMs: number } | null
  readonly waiting: readonly {
    readonly for: string
    readonly replicas: readonly number[]
    readonly words: string
    readonly sinceMs: number
  }[]
}

import type { ProposalListener, ReplicaError, ReplicaStatus } from '@chatroom/replica'
import type { Chat, Command, Reply } from '@chatroom/state-machine'

/** What the service needs of the replica it stands in front of; `Replica<Command, Reply>` of `@chatroom/replica` is one. */
export interface ChatReplica {
  /** Resolves after commit and apply. The order of the calls is the order in the log. Rejects with a `ReplicaError`. */
  propose(command: Command): Promise<Reply>
  /** The same for several at once: all of them enter the log, side by side, or none. Returns null, or why none was taken; then the listener hears nothing. */
  proposeAll(commands: readonly Command[], listener: ProposalListener<Reply>): ReplicaError | null
  /** Linearizable: runs the query on a state that has everything acknowledged before the call. Rejects with a `ReplicaError` except at the leader. */
  read<T>(query: (chat: Chat) => T): Promise<T>
  /** The local state, possibly old. */
  readonly stateMachine: Chat
  /** Throws a `ReplicaError` while the replica does not run. */
  status(): Leadership
  /** Tells of every change of role, view or leader. Returns how to stop listening. */
  on(listener: () => void): () => void
}

/** What the service looks at in a replica's status. */
export type Leadership = Pick<ReplicaStatus, 'serving' | 'leader' | 'leaderAddress' | 'term' | 'id'>

/** Time for what one replica decides by itself; replicated decisions use the time in the log. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Calls `task` again and again; does not keep the process alive. Returns how to stop. */
  every(intervalMs: number, task: () => void): () => void
  /** Calls `task` once, after the work at hand. */
  soon(task: () => void): void
}

/** Unpredictable bytes for tokens. */
export type Random = (bytes: number) => Uint8Array

/** Who waits for a password to be hashed. */
export interface Asker {
  /** Its network, or anything else by which those who ask are told apart: they take turns. */
  readonly from: string
  /** Ends the wait; null: nothing does. */
  readonly signal: AbortSignal | null
}

/** Turns passwords into what may be stored, and compares. */
export interface Passwords {
  /** A PHC string: algorithm, cost, salt and hash. Rejects with `ChatFailure` OVERLOADED if too many wait. */
  hash(password: string, asker?: Asker): Promise<string>
  /** `stored` null: there is no such account; takes as long as if there were, and says false. */
  verify(stored: string | null, password: string, asker?: Asker): Promise<boolean>
}

import type {
  OpenStage,
  ProposalListener,
  ReplicaError,
  ReplicaStage,
  ReplicaStatus,
  Tracing,
} from '@chatroom/replica'
import type { Chat, Command, Reply } from '@chatroom/state-machine'
import type { ChatServiceHandlers } from './definition.ts'

/** What the service needs of the replica it stands in front of; `Replica<Command, Reply>` of `@chatroom/replica` is one. */
export interface ChatReplica {
  /** Resolves after commit and apply. The order of the calls is the order in the log. Rejects with a `ReplicaError`. */
  propose(command: Command, options?: { readonly trace?: string | null }): Promise<Reply>
  /** The same for several at once: all of them enter the log, side by side, or none. Returns null, or why none was taken; then the listener hears nothing. */
  proposeAll(
    commands: readonly Command[],
    listener: ProposalListener<Reply>,
    traces?: readonly (string | null)[],
  ): ReplicaError | null
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

/** What of the service can be the beginning of a trace here, or a part of one that began elsewhere: messages of a `SendMessages` stream, and unary calls. */
export type ServiceMethod = Exclude<keyof ChatServiceHandlers, 'subscribe' | number>

/** What a followed message or call goes through here. Between the two are the replica's stages. */
export type ServiceStage =
  /** Who calls, and whether it may be done. */
  | 'check'
  /** From when the answer is known until it is given to the network: it waits for those before it, and for a slow reader. */
  | 'reply'

/** Follows single messages and calls, for traces. As with `Tracing`, methods return at once and throw nothing. */
export interface ServiceTracing extends Tracing<ReplicaStage | ServiceStage> {
  /**
   * One came in. `parent`: the W3C `traceparent` that it came with, '' for none; from a stranger, so it may be any text. Null: it is not followed.
   */
  receive(method: ServiceMethod, parent: string): OpenStage | null
}

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

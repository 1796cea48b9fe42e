import type { ReplicaId } from '@chatroom/election'

export type ReplicaErrorCode =
  /** Another replica leads, or none; nothing was done. `leader` says who, if known. */
  | 'not leader'
  /** This replica leads but may not serve yet; nothing was done. Try again. */
  | 'not ready'
  /** Leadership ended while the command was under way: it may or may not take effect. Try again with the same request id. */
  | 'outcome unknown'
  /** A bound on what may be under way is reached; nothing was done. */
  | 'overloaded'
  /** The disk is full or a quota is reached; nothing was done. */
  | 'storage full'
  /** Not all replicas have a version of the state machine that can apply the command; nothing was done. The message names them. */
  | 'unsupported version'
  /** The caller's signal ended the wait; a command that was under way may still take effect. */
  | 'aborted'
  /** This replica stops or has stopped. */
  | 'stopped'
  /** An impossible state, a failed disk, a lost listener: the replica has stopped itself before acknowledging anything more. */
  | 'halted'
  /** A configuration that cannot work. */
  | 'invalid configuration'

/** Where the leader is, if known. */
export interface LeaderHint {
  readonly id: ReplicaId
  readonly address: string
  readonly term: number
}

export class ReplicaError extends Error {
  override readonly name = 'ReplicaError'
  readonly code: ReplicaErrorCode
  readonly leader: LeaderHint | null
  constructor(
    code: ReplicaErrorCode,
    message: string,
    options: { leader?: LeaderHint | null; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.leader = options.leader ?? null
  }
}

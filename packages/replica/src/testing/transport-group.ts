import type { ReplicaId } from '@chatroom/election'
import type { Hello, Transport } from '../ports/transport.ts'

/**
 * A group of members of one kind of transport, made fresh for each case: ids from 0 on, each knowing the addresses of all. The transports have to be made with
 * `acceptanceLimits`.
 */
export interface TransportGroup {
  /** A member in this process. `addresses`: it believes those members to be at the addresses of others. */
  transport(id: ReplicaId, options?: { readonly addresses?: ReadonlyMap<ReplicaId, ReplicaId> }): Transport
  /** Starts an `EchoMember` that can be killed and stopped: in a process of its own, if the transport is one between processes. Resolves when it listens. */
  remote(hello: Hello): Promise<RemoteMember>
  /** Stops what is left. */
  dispose(): Promise<void>
}

export interface RemoteMember {
  /** As SIGKILL does. Resolves when the process is gone. */
  kill(): Promise<void>
  /** As SIGSTOP does. Resolves when it stands still. */
  pause(): Promise<void>
  resume(): Promise<void>
}

/** Small enough that the cases meet them. Milliseconds and bytes. */
export const acceptanceLimits: {
  readonly answerMs: number
  readonly longestPauseMs: number
  readonly silentMs: number
  readonly queueBytes: number
} = { answerMs: 500, longestPauseMs: 100, silentMs: 60_000, queueBytes: 2 * 1024 * 1024 }

/** One promise of the Transport port. */
export interface TransportCase {
  readonly name: string
  /** Members in the group. */
  readonly members: number
  /** Rejects with an `AssertionError` or an `Error` that says what was expected and what was seen. */
  readonly run: (group: TransportGroup) => Promise<void>
}

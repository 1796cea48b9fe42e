import type { Member, ReplicaId } from '@chatroom/election'
import type { Message } from '../core/messages.ts'

/** What a replica says of itself when a link opens, and what it learns of the other end. */
export interface Hello {
  readonly member: Member
  /** '' while the replica has not met a cluster. */
  readonly clusterId: string
  readonly mode: string
  /** Version of the protocol between replicas. */
  readonly protocol: number
  /** Version of its state machine. Absent: 1. */
  readonly machineVersion?: number
  /** Version of the state machine that its log needs; see `View.machineVersion`. Absent: 1. */
  readonly neededVersion?: number
  /** Where clients reach it: `host:port`. */
  readonly clientAddress: string
  /** For a fencer on the same host; 0 if unknown. */
  readonly pid: number
  /** When that process began, in words that no other process with the same pid shares; '' if unknown. */
  readonly processStart: string
}

/**
 * What a link found out about a peer. Attempts to connect are numbered per peer, and `attempting` is reported before anything is sent, so that the core can tie
 * a refusal to the incarnations it knew before the attempt began (rule 1: a proof is about one incarnation).
 */
export type PeerObservation =
  | { readonly type: 'attempting'; readonly peer: ReplicaId; readonly attempt: number }
  /** The peer answered on a new connection. `send` works from here on. */
  | { readonly type: 'connected'; readonly peer: ReplicaId; readonly attempt: number; readonly hello: Hello }
  /**
   * Nobody listens on the peer's address. `exact` only where that proves that its process ended: a loopback address.
   */
  | { readonly type: 'refused'; readonly peer: ReplicaId; readonly attempt: number; readonly exact: boolean }
  /** No answer, or a failure that proves nothing. */
  | {
      readonly type: 'unreachable'
      readonly peer: ReplicaId
      readonly attempt: number
      readonly reason: string
    }
  /** An open link broke. The transport makes a new attempt at once. `reason` is for people. */
  | { readonly type: 'disconnected'; readonly peer: ReplicaId; readonly reason?: string }
  /** The other end is not acceptable: another cluster, another id than configured, another mode or protocol. Said once per change. */
  | { readonly type: 'rejected'; readonly peer: ReplicaId; readonly reason: string }

export interface TransportReceiver {
  /** In the order sent, per sender incarnation. */
  receive(from: Member, message: Message): void
  observe(observation: PeerObservation): void
  /** The hello to say on a new link, asked anew for each link. */
  hello(): Hello
}

/**
 * Links to the other replicas. The listener is bound before `start` resolves and stays until the process ends or `stop`
 * (rule 1 depends on it); an implementation that loses its listener calls `receiver`'s owner by rejecting `closed`.
 */
export interface Transport {
  /**
   * Binds the listener before `start`, for a replica that is not ready to take part: what else shares its port (status, repair) is there, and links are refused with `whyNot`. To the others that is as
   * a refused connect: who holds the address now is not any incarnation that they know. A transport without this is silent until `start`.
   */
  listen?(whyNot: () => string): Promise<void>
  /** Binds, then keeps a link to every peer: attempts at once, then with short pauses that grow up to half a second. Rejects with a clear error if the address is taken. */
  start(receiver: TransportReceiver): Promise<void>
  /**
   * Sends to exactly this incarnation; drops the message if the link is down, leads to another incarnation, or holds more than its bound of unsent bytes.
   * Never throws, never blocks. A message that was dropped because of the bound breaks the link, so that order and losslessness per link hold.
   */
  send(to: Member, message: Message): void
  /** Bytes handed to `send` for this peer and not yet given to the network. */
  queuedBytes(peer: ReplicaId): number
  /** Rejects if the listener is lost; resolves after `stop`. */
  readonly closed: Promise<void>
  stop(): Promise<void>
}

import type { ReplicaId } from '@chatroom/election'
import type { TransportReceiver } from '@chatroom/replica'

/** Which end of the link is this one. */
export type End = 'caller' | 'answerer'

/** Says once per change that a peer is not acceptable: attempts repeat twice a second, and in both directions, the news does not. */
export class Rejections {
  readonly #receiver: TransportReceiver
  readonly #last: Record<End, Map<ReplicaId, string>> = { caller: new Map(), answerer: new Map() }

  constructor(receiver: TransportReceiver) {
    this.#receiver = receiver
  }

  report(peer: ReplicaId, end: End, reason: string): void {
    const known = this.#last.caller.get(peer) === reason || this.#last.answerer.get(peer) === reason
    this.#last[end].set(peer, reason)
    if (!known) this.#receiver.observe({ type: 'rejected', peer, reason })
  }

  /** The peer was acceptable at this end: the next rejection is news. */
  forget(peer: ReplicaId, end: End): void {
    this.#last[end].delete(peer)
  }
}

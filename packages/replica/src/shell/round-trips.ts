import type { ReplicaId } from '@chatroom/election'
import type { Message } from '../core/messages.ts'
import type { ReplicaObserver } from '../ports/observer.ts'

/** Measures on the leader how long its heartbeats take to come back: each opens a round, and the answer names it. */
export class RoundTrips {
  readonly #observer: Pick<ReplicaObserver, 'roundTrip'>
  /** The newest round sent to each; `at` is null once it was answered. */
  readonly #rounds = new Map<
    ReplicaId,
    { readonly term: number; readonly round: number; readonly at: number | null }
  >()

  constructor(observer: Pick<ReplicaObserver, 'roundTrip'>) {
    this.#observer = observer
  }

  sent(to: ReplicaId, message: Message, now: number): void {
    if (message.type !== 'append' || message.entries.length > 0) return
    const { term, round } = message
    const newest = this.#rounds.get(to)
    // A round that was not answered is given up for the next.
    if (newest?.term !== term || newest.round < round) this.#rounds.set(to, { term, round, at: now })
  }

  received(from: ReplicaId, message: Message, now: number): void {
    if (message.type !== 'appended') return
    const newest = this.#rounds.get(from)
    if (newest?.term !== message.term || newest.round !== message.round || newest.at === null) return
    this.#rounds.set(from, { ...newest, at: null })
    this.#observer.roundTrip(from, now - newest.at)
  }
}

import type { EndReason } from '../reply.ts'

/** Hears of what happened, after the entry was applied. May look at the chat; must not apply to it. What it throws is dropped: it may not stop the chat. */
export interface Observer {
  /** A message is in the account's mailbox, under this sequence number. */
  messageArrived(accountId: number, sequence: number): void
  sessionEnded(sessionId: number, reason: EndReason): void
}

/** Collects what an entry does and tells it when the entry is done, so that nobody sees a state half-way. */
export class Observers {
  readonly #observers = new Set<Observer>()
  /** Requests that were answered from memory, in the life of this process. */
  answeredAgain = 0
  #arrived: { readonly accountId: number; readonly sequence: number } | null = null
  #ended: { readonly sessionId: number; readonly reason: EndReason }[] = []

  /** Returns how to stop observing. */
  add(observer: Observer): () => void {
    this.#observers.add(observer)
    return () => {
      this.#observers.delete(observer)
    }
  }

  /** At most one message arrives per entry. */
  messageArrived(accountId: number, sequence: number): void {
    if (this.#observers.size > 0) this.#arrived = { accountId, sequence }
  }

  sessionEnded(sessionId: number, reason: EndReason): void {
    if (this.#observers.size > 0) this.#ended.push({ sessionId, reason })
  }

  /** The entry is done. */
  tell(): void {
    if (this.#arrived === null && this.#ended.length === 0) return
    const arrived = this.#arrived
    const ended = this.#ended
    this.#arrived = null
    if (ended.length > 0) this.#ended = []
    for (const observer of this.#observers) {
      try {
        for (const { sessionId, reason } of ended) observer.sessionEnded(sessionId, reason)
        if (arrived !== null) observer.messageArrived(arrived.accountId, arrived.sequence)
      } catch {
        // An observer is not part of the state: its fault must not become the replica's.
      }
    }
  }
}

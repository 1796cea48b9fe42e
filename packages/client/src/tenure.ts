import type { ReplicaChannel } from './replica-channel.ts'

/** The time in which one replica is believed to lead. It ends once; whoever has a call under way there hears of it. */
export class Tenure {
  readonly channel: ReplicaChannel
  readonly #listeners = new Set<() => void>()
  #ended = false

  constructor(channel: ReplicaChannel) {
    this.channel = channel
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Calls `listener` when the tenure ends, at once if it has. @returns a function that forgets the listener */
  onEnd(listener: () => void): () => void {
    if (this.#ended) {
      listener()
      return () => undefined
    }
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    for (const listener of listeners) listener()
  }
}

import { pauseBefore, searchBackoff } from './backoff.ts'
import { pause } from './pause.ts'
import type { ReplicaChannel } from './replica-channel.ts'

/** What a replica says when it is asked whether it leads. */
export type Answer =
  /** It leads and serves. */
  | { readonly kind: 'leads' }
  /** It answers, but does not serve; it may know who does. */
  | { readonly kind: 'does not'; readonly leader: string | null }
  /** No answer that a chat replica gives. */
  | {
      readonly kind: 'silent'
      /** Why this is not a matter of time, to follow the address; null if it may be. */
      readonly fault: string | null
    }

/** Asks one replica whether it leads. Never rejects; ends early with the signal. */
export type Probe = (channel: ReplicaChannel, signal: AbortSignal) => Promise<Answer>

/** What a search reports to. */
export interface SearchEvents {
  readonly found: (channel: ReplicaChannel) => void
  /** A replica answered, though it does not lead. */
  readonly answered: () => void
  /** No answer will come from there until somebody changes something. */
  readonly faulty: (channel: ReplicaChannel, fault: string) => void
  /** Someone named a leader that nobody told us of. @returns the channel to it, or null if it should not be believed. */
  readonly learned: (address: string) => ReplicaChannel | null
}

/**
 * Asks all replicas at once, again and again with growing pauses, until one says that it leads. A replica that is named as the leader is asked at
 * once. Only a replica's own word makes it the leader: the others may not have noticed its death yet.
 */
export class LeaderSearch {
  readonly #probe: Probe
  readonly #events: SearchEvents
  readonly #end = new AbortController()
  /** Ends the present pause of each replica that is being asked. */
  readonly #wakers = new Map<ReplicaChannel, () => void>()

  constructor(channels: Iterable<ReplicaChannel>, probe: Probe, events: SearchEvents) {
    this.#probe = probe
    this.#events = events
    for (const channel of channels) void this.#ask(channel)
  }

  stop(): void {
    this.#end.abort()
  }

  /** Asks the replica at this address now. */
  hint(address: string): void {
    if (this.#end.signal.aborted) return
    const channel = this.#events.learned(address)
    if (channel === null) return
    const wake = this.#wakers.get(channel)
    if (wake === undefined) void this.#ask(channel)
    else wake()
  }

  async #ask(channel: ReplicaChannel): Promise<void> {
    const { signal } = this.#end
    this.#wakers.set(channel, () => undefined)
    for (let failures = 0; !signal.aborted; failures++) {
      const answer = await this.#probe(channel, signal)
      if (signal.aborted) return
      if (answer.kind === 'leads') {
        this.#events.found(channel)
        return
      }
      if (answer.kind === 'does not') {
        this.#events.answered()
        if (answer.leader !== null && answer.leader !== channel.address) this.hint(answer.leader)
      }
      if (answer.kind === 'silent' && answer.fault !== null) this.#events.faulty(channel, answer.fault)
      await pause(pauseBefore(failures, searchBackoff, Math.random()), signal, (end) => {
        this.#wakers.set(channel, end)
      })
      this.#wakers.set(channel, () => undefined)
    }
  }
}

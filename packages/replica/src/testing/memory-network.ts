import { type Member, type ReplicaId, sameMember } from '@chatroom/election'
import type { Message } from '../core/messages.ts'
import { type Clock, systemClock } from '../ports/clock.ts'
import type { Transport } from '../ports/transport.ts'
import { MemoryLink } from './memory-link.ts'
import { MemoryTransport } from './memory-transport.ts'

/** One thing that happens on the network, ready to happen. Steps of one link have to run in the order in which they were scheduled; steps of different links in any. */
export interface NetworkStep {
  /** Address of the end that did something. */
  readonly from: string
  /** Address of the end that is about to notice. */
  readonly to: string
  readonly what: 'dial' | 'answer' | 'message' | 'break'
  readonly run: () => void
}

/** Times in milliseconds, sizes in bytes. */
export interface MemoryNetworkLimits {
  /** An attempt that nobody answers is given up. */
  readonly answerMs: number
  /** The first pause between attempts that fail; each further one is twice as long. */
  readonly firstPauseMs: number
  readonly longestPauseMs: number
  /** A link over which nothing can pass for so long breaks. */
  readonly silentMs: number
  /** What may wait for one peer. */
  readonly queueBytes: number
}

export interface MemoryNetworkOptions {
  /** Default: the system's. */
  readonly clock?: Clock
  /** Decides when each step happens. Default: `clock.soon`. */
  readonly schedule?: (step: NetworkStep) => void
  readonly limits?: Partial<MemoryNetworkLimits>
}

export interface MemoryTransportOptions {
  readonly id: ReplicaId
  /** Any text that no other member listens on. */
  readonly listen: string
  /** Where the others listen; an entry for this replica itself is passed over. */
  readonly peers: ReadonlyMap<ReplicaId, string>
}

const defaultLimits: MemoryNetworkLimits = {
  answerMs: 1_000,
  firstPauseMs: 2,
  longestPauseMs: 500,
  silentMs: 3_000,
  queueBytes: 16 * 1024 * 1024,
}

/**
 * A network in memory with the faults of a real one: members that die or stand still, directions through which nothing passes, links that break. What is in flight
 * on a link that breaks is lost, and nothing else ever is.
 */
export class MemoryNetwork {
  readonly clock: Clock
  readonly limits: MemoryNetworkLimits
  readonly #schedule: (step: NetworkStep) => void
  readonly #listening = new Map<string, MemoryTransport>()
  readonly #links = new Set<MemoryLink>()
  /** Directions, as `from to`. */
  readonly #cuts = new Set<string>()

  constructor({ clock = systemClock, schedule, limits }: MemoryNetworkOptions = {}) {
    this.clock = clock
    this.limits = { ...defaultLimits, ...limits }
    this.#schedule = schedule ?? ((step) => clock.soon(step.run))
  }

  transport(options: MemoryTransportOptions): Transport {
    return new MemoryTransport(this, options)
  }

  /** Ends the member there as SIGKILL would: nothing more of it happens, and its peers find its address refusing. */
  kill(address: string): void {
    this.#listening.get(address)?.die()
  }

  /** Stops the member there as SIGSTOP would: its address still takes connections, and nobody answers. */
  pause(address: string): void {
    const member = this.#listening.get(address)
    member?.pause()
    for (const link of this.#links) if (link.callee === member) this.#breakIfSilent(link)
  }

  /** What waited for the member there happens now. */
  resume(address: string): void {
    const member = this.#listening.get(address)
    member?.resume()
    for (const link of this.#links) if (link.callee === member) link.pump()
  }

  /** Nothing passes from one address to the other until `heal`. Links over the way break after `silentMs`, in whichever direction they point: both ends need answers. */
  cut(from: string, to: string): void {
    this.#cuts.add(`${from} ${to}`)
    for (const link of this.#links) if (!this.passable(link)) this.#breakIfSilent(link)
  }

  /** Cuts both directions between every member of one side and every member of the other. */
  partition(one: readonly string[], other: readonly string[]): void {
    for (const a of one) {
      for (const b of other) {
        this.cut(a, b)
        this.cut(b, a)
      }
    }
  }

  /** Everything passes again; what waited goes on. */
  heal(): void {
    this.#cuts.clear()
    for (const link of this.#links) {
      if (this.#listening.get(link.callee.address) === link.callee) link.pump()
      else link.break('the connection was reset')
    }
  }

  /** Breaks the links between two addresses, as a reset connection would. */
  break(a: string, b: string): void {
    for (const link of this.#links) {
      const ends = [link.caller.address, link.callee.address]
      if (ends.includes(a) && ends.includes(b)) link.break('the connection was reset')
    }
  }

  // What follows is between the parts of this network.

  /** @internal false: somebody listens there. */
  bind(member: MemoryTransport): boolean {
    if (this.#listening.has(member.address)) return false
    this.#listening.set(member.address, member)
    return true
  }

  /** @internal The member's process or its listener is gone. */
  unbind(member: MemoryTransport): void {
    if (this.#listening.get(member.address) === member) this.#listening.delete(member.address)
    for (const link of this.#links) {
      if (link.caller === member) link.drop()
      else if (link.callee === member && this.passable(link)) link.break('the connection was reset')
    }
  }

  /** @internal */
  listenerAt(address: string): MemoryTransport | undefined {
    return this.#listening.get(address)
  }

  /** @internal */
  schedule(step: NetworkStep): void {
    this.#schedule(step)
  }

  /** @internal */
  open(
    caller: MemoryTransport,
    callee: MemoryTransport,
    from: Member,
    to: Member,
    attempt: number,
  ): MemoryLink | null {
    for (const link of this.#links) {
      if (link.callee !== callee || link.from.id !== from.id) continue
      if (sameMember(link.from, from) && link.attempt > attempt) return null
      link.break('a newer link was opened')
    }
    const link = new MemoryLink(this, {
      caller,
      callee,
      from,
      to,
      attempt,
      gone: () => this.#links.delete(link),
    })
    this.#links.add(link)
    return link
  }

  /** @internal Both directions are open: a connection needs both. */
  passable({
    caller,
    callee,
  }: {
    readonly caller: MemoryTransport
    readonly callee: { readonly address: string }
  }): boolean {
    return this.isOpen(caller.address, callee.address) && this.isOpen(callee.address, caller.address)
  }

  /** @internal */
  isOpen(from: string, to: string): boolean {
    return !this.#cuts.has(`${from} ${to}`)
  }

  #breakIfSilent(link: MemoryLink): void {
    if (link.watched) return
    link.watched = true
    this.clock.after(this.limits.silentMs, () => {
      link.watched = false
      if (!this.passable(link) || link.callee.paused)
        link.break(`no sign of life for ${this.limits.silentMs} ms`)
    })
  }
}

/** A message with what it counts for. */
export interface QueuedMessage {
  readonly message: Message
  readonly bytes: number
}

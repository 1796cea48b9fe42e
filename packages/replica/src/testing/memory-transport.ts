import { type Member, type ReplicaId, sameMember } from '@chatroom/election'
import type { Message } from '../core/messages.ts'
import { ReplicaError } from '../errors.ts'
import { introductionFault } from '../ports/introduction.ts'
import type { PeerObservation, Transport, TransportReceiver } from '../ports/transport.ts'
import type { MemoryLink } from './memory-link.ts'
import type { MemoryNetwork, MemoryTransportOptions } from './memory-network.ts'

/** The calling side towards one peer. */
interface Dialler {
  readonly peer: ReplicaId
  readonly address: string
  attempt: number
  failures: number
  link: MemoryLink | null
  /** Ends the pause or the wait for an answer. */
  cancel: () => void
  state: 'pausing' | 'dialling' | 'open' | 'ended'
  /** The last reason said, so that it is said once per change. */
  rejected: string | null
}

/** One member's end of a `MemoryNetwork`. */
export class MemoryTransport implements Transport {
  readonly address: string
  readonly closed: Promise<void>
  #paused = false
  readonly #network: MemoryNetwork
  readonly #diallers: Map<ReplicaId, Dialler>
  readonly #rejectedCallers = new Map<ReplicaId, string>()
  /** What would have happened to this member while it stood still. */
  #held: (() => void)[] = []
  #receiver: TransportReceiver | null = null
  #resolveClosed!: () => void

  constructor(network: MemoryNetwork, { id, listen, peers }: MemoryTransportOptions) {
    this.#network = network
    this.address = listen
    const others = [...peers].filter(([peer]) => peer !== id)
    this.#diallers = new Map(
      others.map(([peer, address]) => [
        peer,
        {
          peer,
          address,
          attempt: 0,
          failures: 0,
          link: null,
          cancel: () => {},
          state: 'ended',
          rejected: null,
        },
      ]),
    )
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
  }

  start(receiver: TransportReceiver): Promise<void> {
    if (!this.#network.bind(this)) {
      const words = `The peer address ${this.address} is taken by another member: choose another.`
      return Promise.reject(new ReplicaError('invalid configuration', words))
    }
    this.#receiver = receiver
    for (const dialler of this.#diallers.values()) this.#dial(dialler)
    return Promise.resolve()
  }

  send(to: Member, message: Message): void {
    const dialler = this.#diallers.get(to.id)
    const link = dialler?.link
    if (dialler === undefined || !link?.isOpen || !sameMember(to, link.to)) return
    if (link.push(message)) return
    link.drop()
    const reason = `more than ${this.#network.limits.queueBytes} bytes waited to be sent`
    this.#network.clock.soon(() => this.broken(link, reason))
  }

  queuedBytes(peer: ReplicaId): number {
    return this.#diallers.get(peer)?.link?.queuedBytes ?? 0
  }

  stop(): Promise<void> {
    this.die()
    this.#resolveClosed()
    return Promise.resolve()
  }

  // What follows is between the parts of this network.

  get paused(): boolean {
    return this.#paused
  }

  die(): void {
    this.#receiver = null
    this.#held = []
    for (const dialler of this.#diallers.values()) dialler.cancel()
    this.#network.unbind(this)
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    for (const run of this.#held.splice(0)) this.#whenRunning(run)
  }

  receive(from: Member, message: Message): void {
    this.#receiver?.receive(from, message)
  }

  /** A link on which this member was the caller broke. */
  broken(link: MemoryLink, reason: string): void {
    this.#whenRunning(() => {
      for (const dialler of this.#diallers.values()) {
        if (dialler.link !== link) continue
        dialler.link = null
        dialler.state = 'ended'
        this.#observe({ type: 'disconnected', peer: dialler.peer, reason })
        this.#dial(dialler)
      }
    })
  }

  /** Nothing happens to a member that is gone, and to one that stands still it happens later. */
  #whenRunning(run: () => void): void {
    if (this.#receiver === null) return
    if (this.#paused) this.#held.push(run)
    else run()
  }

  #observe(observation: PeerObservation): void {
    this.#receiver?.observe(observation)
  }

  #dial(dialler: Dialler): void {
    dialler.attempt += 1
    const { peer, attempt, address } = dialler
    this.#observe({ type: 'attempting', peer, attempt })
    if (this.#receiver === null) return
    dialler.state = 'dialling'
    dialler.cancel = this.#network.clock.after(this.#network.limits.answerMs, () => {
      this.#whenRunning(() =>
        this.#failed(dialler, attempt, `no answer within ${this.#network.limits.answerMs} ms`),
      )
    })
    this.#network.schedule({
      from: this.address,
      to: address,
      what: 'dial',
      run: () => this.#arrive(dialler, attempt),
    })
  }

  /** The attempt reaches the peer's host, if it can. */
  #arrive(dialler: Dialler, attempt: number): void {
    if (this.#receiver === null || !this.#network.passable({ caller: this, callee: dialler })) return
    const callee = this.#network.listenerAt(dialler.address)
    if (callee === undefined) this.#answered(dialler, attempt, () => this.#refused(dialler, attempt))
    else callee.#whenRunning(() => callee.#greet(this, dialler, attempt))
  }

  /** At the answering member: judges the caller. */
  #greet(caller: MemoryTransport, dialler: Dialler, attempt: number): void {
    const callers = caller.#receiver
    const own = this.#receiver
    if (callers === null || own === null || dialler.attempt !== attempt || dialler.state !== 'dialling')
      return
    const introduced = { caller: callers.hello(), to: dialler.peer, answerer: own.hello() }
    const from = introduced.caller.member
    const fault = introductionFault(introduced)
    if (fault !== null) {
      this.#rejectCaller(from.id, fault)
      caller.#answered(dialler, attempt, () => caller.#rejected(dialler, attempt, fault))
      return
    }
    this.#rejectedCallers.delete(from.id)
    const hello = introduced.answerer
    const link = this.#network.open(caller, this, from, hello.member, attempt)
    if (link === null) return
    caller.#answered(dialler, attempt, () => {
      dialler.cancel()
      dialler.link = link
      dialler.state = 'open'
      dialler.failures = 0
      dialler.rejected = null
      caller.#observe({ type: 'connected', peer: dialler.peer, attempt, hello })
    })
    this.#nudge(from.id)
  }

  /** Word of an attempt comes back to this member, the caller. */
  #answered(dialler: Dialler, attempt: number, then: () => void): void {
    const run = (): void =>
      this.#whenRunning(() => {
        if (dialler.attempt === attempt && dialler.state === 'dialling') then()
      })
    this.#network.schedule({ from: dialler.address, to: this.address, what: 'answer', run })
  }

  #refused(dialler: Dialler, attempt: number): void {
    dialler.cancel()
    dialler.state = 'ended'
    this.#observe({ type: 'refused', peer: dialler.peer, attempt, exact: true })
    this.#pause(dialler)
  }

  #failed(dialler: Dialler, attempt: number, reason: string): void {
    if (dialler.attempt !== attempt || dialler.state !== 'dialling') return
    dialler.cancel()
    dialler.state = 'ended'
    this.#observe({ type: 'unreachable', peer: dialler.peer, attempt, reason })
    this.#pause(dialler)
  }

  #rejected(dialler: Dialler, attempt: number, reason: string): void {
    const { peer } = dialler
    const news = dialler.rejected !== reason && this.#rejectedCallers.get(peer) !== reason
    dialler.rejected = reason
    if (news) this.#observe({ type: 'rejected', peer, reason })
    this.#failed(dialler, attempt, reason)
  }

  #rejectCaller(id: ReplicaId, reason: string): void {
    const dialler = this.#diallers.get(id)
    if (dialler === undefined) return
    const news = dialler.rejected !== reason && this.#rejectedCallers.get(id) !== reason
    this.#rejectedCallers.set(id, reason)
    if (news) this.#observe({ type: 'rejected', peer: id, reason })
  }

  #pause(dialler: Dialler): void {
    if (this.#receiver === null) return
    const { firstPauseMs, longestPauseMs } = this.#network.limits
    const ms = Math.min(longestPauseMs, firstPauseMs * 2 ** dialler.failures)
    dialler.failures += 1
    dialler.state = 'pausing'
    dialler.cancel = this.#network.clock.after(ms, () => this.#whenRunning(() => this.#endPause(dialler)))
  }

  #endPause(dialler: Dialler): void {
    if (dialler.state !== 'pausing') return
    dialler.cancel()
    this.#dial(dialler)
  }

  /** A peer that was just heard answers, so a pause is a waste. */
  #nudge(id: ReplicaId): void {
    const dialler = this.#diallers.get(id)
    if (dialler !== undefined) this.#endPause(dialler)
  }
}

import type { Member, ReplicaId } from '@chatroom/election'
import { type Hello, introductionFault, type Message, type TransportReceiver } from '@chatroom/replica'
import { Random } from '../kernel/random.ts'
import type { Timeline } from '../kernel/timeline.ts'
import type { Trace } from '../kernel/trace.ts'
import type { VirtualProcess } from './virtual-process.ts'

/** Times of the virtual network in milliseconds; like those of the gRPC transport. */
export const networkTimes = {
  /** An attempt that is not answered by then is given up. */
  answer: 1_000,
  firstPause: 5,
  longestPause: 500,
  /** A link that lived so long counts as a success. */
  steady: 1_000,
  /** A link on which nothing gets through for so long breaks. */
  silent: 3_000,
} as const

/** A process that listens. */
export interface Endpoint {
  readonly id: ReplicaId
  readonly process: VirtualProcess
  readonly receiver: TransportReceiver
  /** The newest connection from each peer: only what comes over it is heard. */
  readonly accepted: Map<ReplicaId, Connection>
  /** It was heard from: a pause between attempts to reach it need not last. */
  heard(peer: ReplicaId): void
}

/** One connection, from the process that dialled to the one that answered; messages go in this direction only. */
export interface Connection {
  readonly from: Endpoint
  readonly to: Endpoint
  readonly caller: Member
  readonly attempt: number
  /** The end that sends is told when it breaks. */
  readonly broken: (reason: string) => void
  open: boolean
  /** What would arrive after this moment is lost. */
  lostAfter: number
  lastSentAt: number
  lastArrivesAt: number
  /** Arrived at a cut in the path; waits for it to mend. */
  stuck: (() => void)[]
}

/** How an attempt ends. */
export type DialOutcome =
  | { readonly type: 'connected'; readonly connection: Connection; readonly hello: Hello }
  | { readonly type: 'refused' }
  | { readonly type: 'rejected'; readonly reason: string }
  | { readonly type: 'reset' }

/**
 * Paths between hosts: delays, order per connection, cuts and slow paths. It keeps the promises of the `Transport` port and no others: a message is lost only with
 * its connection.
 */
export class VirtualNetwork {
  readonly #timeline: Timeline
  readonly #seed: number
  /** One stream for each directed path. */
  readonly #paths = new Map<number, Random>()
  readonly #trace: Trace
  readonly #listening = new Map<ReplicaId, Endpoint>()
  readonly #connections = new Set<Connection>()
  /** Directed paths, `from * 16 + to`, that let nothing through. */
  readonly #cut = new Map<number, number>()
  /** Directed paths that are slower by this factor. */
  readonly #slow = new Map<number, number>()
  /** Delay of a message in milliseconds, at the least and usually at the most. */
  delay: readonly [number, number] = [0.05, 1]

  constructor(timeline: Timeline, seed: number, trace: Trace) {
    this.#timeline = timeline
    this.#seed = seed
    this.#trace = trace
  }

  bind(endpoint: Endpoint): void {
    if (this.#listening.has(endpoint.id))
      throw new Error(`the peer address of replica ${endpoint.id} is in use`)
    this.#listening.set(endpoint.id, endpoint)
  }

  isBound(id: ReplicaId): boolean {
    return this.#listening.has(id)
  }

  /** Closes the listener and every connection, as the end of a process does. */
  close(endpoint: Endpoint): void {
    if (this.#listening.get(endpoint.id) === endpoint) this.#listening.delete(endpoint.id)
    for (const connection of [...this.#connections]) {
      if (connection.from === endpoint || connection.to === endpoint)
        this.break(connection, 'the process ended')
    }
  }

  /** What was under way may still arrive in part; the sender hears of it unless the path is cut, and then later. */
  break(connection: Connection, reason: string): void {
    if (!connection.open) return
    connection.open = false
    this.#connections.delete(connection)
    const now = this.#timeline.now
    const { from, to } = connection
    // A kernel still delivers what a process has handed to it, unless the path or the host goes, too.
    const random = this.#randomOf(from.id, to.id)
    const lost = random.chance(0.5)
    connection.lostAfter = lost
      ? random.between(now, Math.max(now, connection.lastArrivesAt))
      : connection.lastArrivesAt
    connection.stuck = []
    const notice = this.isCut(to.id, from.id) ? networkTimes.silent : this.#delayOf(to.id, from.id)
    this.#timeline.after(notice, () => from.process.deliver(() => connection.broken(reason)))
  }

  /** Breaks the connections from one replica to another. */
  breakLink(from: ReplicaId, to: ReplicaId): void {
    for (const connection of [...this.#connections])
      if (connection.from.id === from && connection.to.id === to)
        this.break(connection, 'the connection was reset')
  }

  isCut(from: ReplicaId, to: ReplicaId): boolean {
    return (this.#cut.get(key(from, to)) ?? 0) > 0
  }

  /** Nothing gets through from one replica to another until the returned function is called. Cuts add up. */
  cut(from: ReplicaId, to: ReplicaId): () => void {
    const path = key(from, to)
    this.#cut.set(path, (this.#cut.get(path) ?? 0) + 1)
    const began = this.#timeline.now
    this.#timeline.after(networkTimes.silent, () => {
      if (mended || !this.isCut(from, to)) return
      for (const connection of [...this.#connections])
        if (connection.from.id === from && connection.to.id === to)
          this.break(connection, `nothing got through for ${this.#timeline.now - began} ms`)
    })
    let mended = false
    return () => {
      if (mended) return
      mended = true
      this.#cut.set(path, (this.#cut.get(path) ?? 1) - 1)
      if (this.isCut(from, to)) return
      for (const connection of this.#connections) {
        if (connection.from.id !== from || connection.to.id !== to) continue
        const waiting = connection.stuck
        connection.stuck = []
        for (const arrive of waiting) arrive()
      }
    }
  }

  slow(from: ReplicaId, to: ReplicaId, factor: number): () => void {
    this.#slow.set(key(from, to), factor)
    return () => this.#slow.delete(key(from, to))
  }

  /** One attempt. `done` is called once, in the caller's process, unless the path is cut: then never. */
  dial(
    from: Endpoint,
    to: ReplicaId,
    attempt: number,
    broken: (connection: Connection, reason: string) => void,
    done: (outcome: DialOutcome) => void,
  ): void {
    const caller = from.receiver.hello()
    const answer = (outcome: DialOutcome): void => {
      if (this.isCut(to, from.id)) return
      this.#timeline.after(this.#delayOf(to, from.id), () => from.process.deliver(() => done(outcome)))
    }
    if (this.isCut(from.id, to)) return
    this.#timeline.after(this.#delayOf(from.id, to), () => {
      const target = this.#listening.get(to)
      if (target === undefined) return answer({ type: 'refused' })
      let greeted = false
      target.process.deliver(() => {
        greeted = true
        this.#greet(from, caller, target, attempt, broken, answer)
      })
      // The kernel takes the connection of a stopped process; if that process ends, it resets it.
      if (!greeted) this.#resetWhenGone(target, () => greeted, answer)
    })
  }

  /** Hands a message to the connection. */
  send(connection: Connection, message: Message): void {
    const { from, to, caller } = connection
    const now = this.#timeline.now
    // What is sent in one turn travels together.
    const arrivesAt =
      connection.lastSentAt === now
        ? connection.lastArrivesAt
        : Math.max(connection.lastArrivesAt, now + this.#delayOf(from.id, to.id))
    connection.lastSentAt = now
    connection.lastArrivesAt = arrivesAt
    const hear = (): void => {
      if (to.accepted.get(from.id) === connection && to.process.alive) to.receiver.receive(caller, message)
    }
    const arrive = (): void => {
      if (this.#timeline.now > connection.lostAfter || !to.process.alive) return
      if (connection.open && (connection.stuck.length > 0 || this.isCut(from.id, to.id)))
        connection.stuck.push(arrive)
      else if (!this.isCut(from.id, to.id)) to.process.deliver(hear)
    }
    this.#timeline.after(arrivesAt - now, arrive)
  }

  /** What is no message between replicas that take part: it arrives, or is lost where the path is cut. */
  carry(from: ReplicaId, to: ReplicaId, arrive: () => void, lost: () => void): void {
    if (this.isCut(from, to)) this.#timeline.after(networkTimes.answer, lost)
    else this.#timeline.after(this.#delayOf(from, to), arrive)
  }

  #greet(
    from: Endpoint,
    caller: Hello,
    target: Endpoint,
    attempt: number,
    broken: (connection: Connection, reason: string) => void,
    answer: (outcome: DialOutcome) => void,
  ): void {
    const hello = target.receiver.hello()
    const fault = introductionFault({ caller, to: target.id, answerer: hello })
    if (fault !== null) return answer({ type: 'rejected', reason: fault })
    const earlier = target.accepted.get(from.id)
    if (earlier !== undefined && isNewer(earlier, caller, attempt)) return answer({ type: 'reset' })
    if (earlier !== undefined) this.break(earlier, 'a newer connection replaced it')
    if (!from.process.alive) return
    const connection: Connection = {
      from,
      to: target,
      caller: caller.member,
      attempt,
      broken: (reason) => broken(connection, reason),
      open: true,
      lostAfter: Number.POSITIVE_INFINITY,
      lastSentAt: -1,
      lastArrivesAt: 0,
      stuck: [],
    }
    this.#connections.add(connection)
    target.accepted.set(from.id, connection)
    target.heard(from.id)
    this.#trace.note('accepts', target.id, from.id, attempt, () => `the link of r${from.id}`)
    answer({ type: 'connected', connection, hello })
  }

  #resetWhenGone(target: Endpoint, greeted: () => boolean, answer: (outcome: DialOutcome) => void): void {
    this.#timeline.after(50, () => {
      if (greeted()) return
      if (target.process.alive) this.#resetWhenGone(target, greeted, answer)
      else answer({ type: 'reset' })
    })
  }

  #delayOf(from: ReplicaId, to: ReplicaId): number {
    const [least, most] = this.delay
    const random = this.#randomOf(from, to)
    let delay = random.between(least, most)
    if (random.chance(0.01)) delay += random.between(0, most * 20)
    // A link over which nothing comes for longer breaks.
    return Math.min(delay * (this.#slow.get(key(from, to)) ?? 1), networkTimes.silent / 2)
  }

  #randomOf(from: ReplicaId, to: ReplicaId): Random {
    const path = key(from, to)
    let random = this.#paths.get(path)
    if (random === undefined) {
      random = new Random(this.#seed, `path ${from} ${to}`)
      this.#paths.set(path, random)
    }
    return random
  }
}

function key(from: ReplicaId, to: ReplicaId): number {
  return from * 16 + to
}

/** Whether the link that is open is newer than the one that now says hello: an attempt may arrive late, after its caller has given it up. */
function isNewer(open: Connection, caller: Hello, attempt: number): boolean {
  const { disk, incarnation } = caller.member
  if (open.caller.disk !== disk) return false
  return open.caller.incarnation === incarnation
    ? open.attempt > attempt
    : open.caller.incarnation > incarnation
}

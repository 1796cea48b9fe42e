import { type Member, type ReplicaId, sameMember } from '@chatroom/election'
import type { Hello, Message, Transport, TransportReceiver } from '@chatroom/replica'
import type { Timeline } from '../kernel/timeline.ts'
import { kindOfMessage } from './describe.ts'
import {
  type Connection,
  type DialOutcome,
  type Endpoint,
  networkTimes,
  type VirtualNetwork,
} from './virtual-network.ts'
import type { VirtualProcess } from './virtual-process.ts'

interface Link {
  readonly peer: ReplicaId
  state: 'pausing' | 'skippable pause' | 'dialling' | 'open'
  attempt: number
  failures: number
  openedAt: number
  connection: Connection | null
  hello: Hello | null
}

/** The replica's `Transport` port on the virtual network, for one process: one link to every peer, as the gRPC transport keeps them. */
export class VirtualTransport implements Transport {
  readonly closed: Promise<void>
  readonly #network: VirtualNetwork
  readonly #timeline: Timeline
  readonly #process: VirtualProcess
  readonly #peers: readonly ReplicaId[]
  readonly #exactRefusals: boolean
  readonly #links = new Map<ReplicaId, Link>()
  readonly #sent: (to: Member, message: Message) => void
  #endpoint: Endpoint | null = null
  #resolveClosed: () => void = () => undefined

  constructor(options: {
    network: VirtualNetwork
    timeline: Timeline
    process: VirtualProcess
    peers: readonly ReplicaId[]
    /** All replicas on one host: a refused connection proves that the process has ended. */
    exactRefusals: boolean
    /** A message really leaves. */
    sent: (to: Member, message: Message) => void
  }) {
    this.#network = options.network
    this.#timeline = options.timeline
    this.#process = options.process
    this.#peers = options.peers
    this.#exactRefusals = options.exactRefusals
    this.#sent = options.sent
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
  }

  async start(receiver: TransportReceiver): Promise<void> {
    if (!this.#process.mayAct()) return new Promise(() => undefined)
    const endpoint: Endpoint = {
      id: this.#process.replica,
      process: this.#process,
      receiver,
      accepted: new Map(),
      heard: (peer) => this.#nudge(peer),
    }
    this.#network.bind(endpoint)
    this.#endpoint = endpoint
    for (const peer of this.#peers) {
      const link: Link = {
        peer,
        state: 'pausing',
        attempt: 0,
        failures: 0,
        openedAt: 0,
        connection: null,
        hello: null,
      }
      this.#links.set(peer, link)
      this.#dial(link)
    }
  }

  send(to: Member, message: Message): void {
    const link = this.#links.get(to.id)
    if (!this.#process.mayAct() || link?.state !== 'open' || link.connection === null || link.hello === null)
      return
    if (!sameMember(to, link.hello.member)) return
    this.#sent(to, message)
    if (link.connection.open) this.#network.send(link.connection, message)
    this.#process.hasSent(kindOfMessage(message))
  }

  queuedBytes(): number {
    return 0
  }

  async stop(): Promise<void> {
    this.processEnded()
    this.#resolveClosed()
  }

  /** The kernel closes what the process had open. */
  processEnded(): void {
    this.#links.clear()
    if (this.#endpoint !== null) this.#network.close(this.#endpoint)
    this.#endpoint = null
  }

  #nudge(peer: ReplicaId): void {
    const link = this.#links.get(peer)
    if (link?.state === 'skippable pause') this.#dial(link)
  }

  #dial(link: Link): void {
    const endpoint = this.#endpoint
    if (endpoint === null) return
    const attempt = ++link.attempt
    link.state = 'dialling'
    endpoint.receiver.observe({ type: 'attempting', peer: link.peer, attempt })
    if (this.#endpoint === null) return
    const current = (): boolean => this.#links.get(link.peer) === link && link.attempt === attempt
    const stillDialling = (): boolean => current() && link.state === 'dialling'
    this.#network.dial(
      endpoint,
      link.peer,
      attempt,
      (connection, reason) => {
        if (current() && link.connection === connection) this.#broken(link, reason)
      },
      (outcome) => {
        if (stillDialling()) this.#dialled(link, attempt, outcome)
      },
    )
    this.#timeline.after(networkTimes.answer, () =>
      this.#process.deliver(() => {
        // After a stall the answer may already wait: it is read before the attempt is judged.
        if (stillDialling())
          this.#timeline.after(0, () =>
            this.#process.deliver(() => {
              if (stillDialling()) this.#failed(link, attempt, 'no answer')
            }),
          )
      }),
    )
  }

  #dialled(link: Link, attempt: number, outcome: DialOutcome): void {
    const receiver = this.#endpoint?.receiver
    const { peer } = link
    switch (outcome.type) {
      case 'connected':
        if (!outcome.connection.open) return this.#failed(link, attempt, 'the connection was reset')
        link.state = 'open'
        link.connection = outcome.connection
        link.hello = outcome.hello
        link.openedAt = this.#timeline.now
        receiver?.observe({ type: 'connected', peer, attempt, hello: outcome.hello })
        return
      case 'refused':
        link.state = 'pausing'
        receiver?.observe({ type: 'refused', peer, attempt, exact: this.#exactRefusals })
        return this.#pause(link, this.#nextPause(link), true)
      case 'rejected':
        receiver?.observe({ type: 'rejected', peer, reason: outcome.reason })
        return this.#failed(link, attempt, outcome.reason)
      case 'reset':
        return this.#failed(link, attempt, 'the connection was reset')
    }
  }

  #failed(link: Link, attempt: number, reason: string): void {
    link.state = 'pausing'
    this.#endpoint?.receiver.observe({ type: 'unreachable', peer: link.peer, attempt, reason })
    this.#pause(link, this.#nextPause(link), true)
  }

  #broken(link: Link, reason: string): void {
    link.connection = null
    link.state = 'pausing'
    if (this.#timeline.now - link.openedAt >= networkTimes.steady) link.failures = 0
    this.#endpoint?.receiver.observe({ type: 'disconnected', peer: link.peer, reason })
    if (link.failures > 0) return this.#pause(link, this.#nextPause(link), false)
    link.failures = 1
    this.#dial(link)
  }

  #nextPause(link: Link): number {
    const pause = Math.min(networkTimes.longestPause, networkTimes.firstPause * 2 ** link.failures)
    link.failures++
    return pause
  }

  #pause(link: Link, ms: number, skippable: boolean): void {
    if (this.#endpoint === null) return
    const { attempt } = link
    link.state = skippable ? 'skippable pause' : 'pausing'
    this.#timeline.after(ms, () =>
      this.#process.deliver(() => {
        if (this.#links.get(link.peer) === link && link.attempt === attempt && link.state !== 'dialling')
          this.#dial(link)
      }),
    )
  }
}

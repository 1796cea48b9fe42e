import type { ReplicaId } from '@chatroom/election'
import type { TransportLimits } from './limits.ts'
import type { Refusal } from './tls/door.ts'

/** What is looked at of a socket. */
export interface PeerSocket {
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
  on(event: 'close', listener: () => void): unknown
  destroy(): unknown
}

/**
 * Connections to the peer port, counted and bounded so that a replica always gets in: those that have not got through the door are bounded by themselves, so are those that got through and carry no link,
 * and the link of a replica is never one too many. Where there is one too many, it is not the newcomer that goes.
 */
export class PeerConnections {
  readonly #strangers: Crowd
  readonly #guests: Crowd
  readonly #arrivals = new Map<string, Arrival>()
  readonly #links = new Map<ReplicaId, string>()
  readonly #refused: (refusal: Refusal) => void

  constructor(limits: Pick<TransportLimits, 'strangers' | 'guests'>, refused: (refusal: Refusal) => void) {
    this.#strangers = new Crowd(limits.strangers)
    this.#guests = new Crowd(limits.guests)
    this.#refused = refused
  }

  /** Connections that carry no link. */
  get counts(): { readonly strangers: number; readonly guests: number } {
    return { strangers: this.#strangers.size, guests: this.#guests.size }
  }

  /** Somebody has connected. */
  arrived(socket: PeerSocket): void {
    const { remoteAddress: address, remotePort } = socket
    if (address === undefined || remotePort === undefined) {
      // Gone already.
      socket.destroy()
      return
    }
    const name = nameOf(socket)
    const arrival: Arrival = { socket, address }
    this.#arrivals.set(name, arrival)
    socket.on('close', () => {
      this.#arrivals.delete(name)
      this.#strangers.delete(arrival)
      this.#guests.delete(arrival)
      for (const [id, link] of this.#links) if (link === name) this.#links.delete(id)
    })
    this.#makeRoom(this.#strangers.add(arrival), 'have not said who they are')
  }

  /** It may carry calls. With TLS `connection` is another object than what arrived, of the same address and port. */
  accepted(connection: Pick<PeerSocket, 'remoteAddress' | 'remotePort'>): void {
    this.#becomeGuest(nameOf(connection))
  }

  /** A call over it, with this `getPeer()`, is the link of this replica now. What carried its last one counts again. */
  linked(id: ReplicaId, peer: string): void {
    const before = this.#links.get(id)
    this.#links.set(id, peer)
    const arrival = this.#arrivals.get(peer)
    if (arrival !== undefined) this.#guests.delete(arrival)
    if (before !== undefined && before !== peer) this.#becomeGuest(before)
  }

  #becomeGuest(name: string): void {
    const arrival = this.#arrivals.get(name)
    if (arrival === undefined) return
    this.#strangers.delete(arrival)
    this.#makeRoom(this.#guests.add(arrival), 'carry no link between replicas')
  }

  #makeRoom(tooMany: Arrival | null, what: string): void {
    if (tooMany === null) return
    const reason = `had to make room for a newer one: too many ${what}`
    this.#refused({ from: tooMany.address, reason })
    tooMany.socket.destroy()
  }
}

/** A connection, and where from: a socket that is closed does not tell that any more. */
interface Arrival {
  readonly socket: PeerSocket
  readonly address: string
}

/** So many connections at most. */
class Crowd {
  readonly #most: number
  readonly #byAddress = new Map<string, Set<Arrival>>()
  #size = 0

  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#size
  }

  /** @returns who has to go: of the address that has most, the one that came first */
  add(arrival: Arrival): Arrival | null {
    const own = this.#byAddress.get(arrival.address) ?? new Set()
    this.#byAddress.set(arrival.address, own)
    own.add(arrival)
    this.#size++
    if (this.#size <= this.#most) return null
    let largest: ReadonlySet<Arrival> = new Set()
    for (const crowd of this.#byAddress.values()) if (crowd.size > largest.size) largest = crowd
    const [first = arrival] = largest
    this.delete(first)
    return first
  }

  delete(arrival: Arrival): void {
    const own = this.#byAddress.get(arrival.address)
    if (own?.delete(arrival) !== true) return
    this.#size--
    if (own.size === 0) this.#byAddress.delete(arrival.address)
  }
}

/** As `getPeer()` of a call names it. */
function nameOf({ remoteAddress, remotePort }: Pick<PeerSocket, 'remoteAddress' | 'remotePort'>): string {
  return `${remoteAddress}:${remotePort}`
}

import { networkOf } from '@chatroom/chat-service'

export interface ConnectionLimits {
  /** Connections to the client port. */
  readonly total: number
  /** The same from one IP address; of IPv6 from one network of 64 bits, since who has one address there has all. */
  readonly perAddress: number
}

/** What is looked at of a socket. */
export interface Connection {
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
  on(event: 'close', listener: () => void): unknown
  destroy(): unknown
}

/** The connections to the client port, counted and bounded. */
export class ClientConnections {
  readonly #limits: ConnectionLimits
  readonly #byPeer = new Map<string, Connection>()
  readonly #perNetwork = new Map<string, number>()

  constructor(limits: ConnectionLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#byPeer.size
  }

  /** Counts a connection until it closes. @returns null, or why it may not stay */
  admit(socket: Connection): string | null {
    const { remoteAddress: address, remotePort } = socket
    if (address === undefined || remotePort === undefined) return 'is gone already'
    const { total, perAddress } = this.#limits
    const peer = `${address}:${remotePort}`
    const network = networkOf(peer)
    const own = this.#perNetwork.get(network) ?? 0
    if (this.#byPeer.size >= total) return `is one more than the ${total} that --max-connections allows`
    if (own >= perAddress)
      return `is one more than the ${perAddress} from one address that --max-connections-per-address allows`
    this.#byPeer.set(peer, socket)
    this.#perNetwork.set(network, own + 1)
    socket.on('close', () => {
      this.#byPeer.delete(peer)
      const left = (this.#perNetwork.get(network) ?? 1) - 1
      if (left === 0) this.#perNetwork.delete(network)
      else this.#perNetwork.set(network, left)
    })
    return null
  }

  /** Breaks the connection from this address and port, as `getPeer()` of a call names it. */
  disconnect(peer: string): void {
    this.#byPeer.get(peer)?.destroy()
  }

  destroyAll(): void {
    for (const socket of [...this.#byPeer.values()]) socket.destroy()
  }
}

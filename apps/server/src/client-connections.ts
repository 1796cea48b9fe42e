import type { Socket } from 'node:net'

export interface ConnectionLimits {
  /** Connections to the client port. */
  readonly total: number
  /** The same from one IP address. */
  readonly perAddress: number
}

/** The connections to the client port, counted and bounded. */
export class ClientConnections {
  readonly #limits: ConnectionLimits
  readonly #byPeer = new Map<string, Socket>()
  readonly #perAddress = new Map<string, number>()

  constructor(limits: ConnectionLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#byPeer.size
  }

  /** Counts a connection until it closes. @returns null, or why it may not stay */
  admit(socket: Socket): string | null {
    const { remoteAddress: address, remotePort } = socket
    if (address === undefined || remotePort === undefined) return 'is gone already'
    const { total, perAddress } = this.#limits
    const own = this.#perAddress.get(address) ?? 0
    if (this.#byPeer.size >= total) return `is one more than the ${total} that --max-connections allows`
    if (own >= perAddress)
      return `is one more than the ${perAddress} from one address that --max-connections-per-address allows`
    const peer = `${address}:${remotePort}`
    this.#byPeer.set(peer, socket)
    this.#perAddress.set(address, own + 1)
    socket.on('close', () => {
      this.#byPeer.delete(peer)
      const left = (this.#perAddress.get(address) ?? 1) - 1
      if (left === 0) this.#perAddress.delete(address)
      else this.#perAddress.set(address, left)
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

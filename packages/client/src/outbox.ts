/** What the outbox needs to know of a message. */
export interface Outgoing {
  readonly requestId: string
  /** Size of what goes over the wire, bytes. */
  readonly bytes: number
}

export interface OutboxLimits {
  /** Messages sent and not yet answered. */
  readonly inFlight: number
  /** Messages waiting behind those. */
  readonly queued: number
  /** Bytes of all of them together. */
  readonly bytes: number
}

/**
 * The messages of one session that are not answered yet, in the order in which they were given: first those in flight, then those that wait. After a
 * failover all those in flight go out again, in the same order, before any other: so the sender's order holds, and the request ids see to it
 * that nothing is done twice.
 */
export class Outbox<Item extends Outgoing> {
  readonly #limits: OutboxLimits
  /** In flight first. Those given up while in flight stay until answered or rewound, because answers come in order. */
  #items: Item[] = []
  #inFlight = 0
  #bytes = 0
  readonly #givenUp = new Set<Item>()

  constructor(limits: OutboxLimits) {
    this.#limits = limits
  }

  get isEmpty(): boolean {
    return this.#items.length === this.#givenUp.size
  }

  get inFlight(): number {
    return this.#inFlight
  }

  /** True if a message of that size would be taken. One that alone is over the bytes is taken by an empty outbox: the servers judge it. */
  hasRoom(bytes: number): boolean {
    if (this.#items.length === 0) return true
    const { inFlight, queued } = this.#limits
    return this.#items.length < inFlight + queued && this.#bytes + bytes <= this.#limits.bytes
  }

  /** Takes a message; false if there is no room. */
  offer(item: Item): boolean {
    if (!this.hasRoom(item.bytes)) return false
    this.#items.push(item)
    this.#bytes += item.bytes
    return true
  }

  /** The next message to go out, which is then in flight; null if none waits or enough are in flight. */
  next(): Item | null {
    if (this.#inFlight >= this.#limits.inFlight) return null
    const item = this.#items[this.#inFlight]
    if (item === undefined) return null
    this.#inFlight++
    return item
  }

  /**
   * The first message in flight has been answered.
   * @returns it; null if it was given up meanwhile; undefined if the answer is not to that one, which no server should do
   */
  answered(requestId: string): Item | null | undefined {
    const item = this.#items[0]
    if (this.#inFlight === 0 || item === undefined || item.requestId !== requestId) return undefined
    this.#items.shift()
    this.#inFlight--
    this.#bytes -= item.bytes
    return this.#givenUp.delete(item) ? null : item
  }

  /**
   * Nobody waits for this message any more. If it is in flight it may still arrive; it does not go out again.
   * @returns true if it is in flight
   */
  giveUp(item: Item): boolean {
    const at = this.#items.indexOf(item)
    if (at >= 0 && at < this.#inFlight) {
      this.#givenUp.add(item)
      return true
    }
    if (at >= 0) {
      this.#items.splice(at, 1)
      this.#bytes -= item.bytes
    }
    return false
  }

  /**
   * The stream broke: everything in flight waits again, in order, before the others.
   * @returns what was in flight
   */
  rewind(): readonly Item[] {
    const inFlight = this.#items.slice(0, this.#inFlight)
    this.#items = this.#items.filter((item) => !this.#givenUp.has(item))
    this.#givenUp.clear()
    this.#bytes = this.#items.reduce((sum, item) => sum + item.bytes, 0)
    this.#inFlight = 0
    return inFlight
  }

  /** Takes out everything that somebody still waits for. */
  clear(): Item[] {
    this.rewind()
    const items = this.#items
    this.#items = []
    this.#bytes = 0
    return items
  }
}

import type { ServiceLimits } from './limits.ts'

/** The share of one session in what is under way. Held by a stream for its life, or by a call for its own; all of a session's hold the same. */
export interface Lane {
  /** Takes a place if there is room for a request of so many bytes. */
  enter(bytes: number): boolean
  /** The proposal is settled: its bytes and its place among all sessions are free again. */
  settled(bytes: number): void
  /** The answer has left: the place among the session's own is free again. */
  answered(): void
  /** Calls once when there may be room again; the caller enters as often as it can, and asks again when refused. */
  whenRoom(retry: () => void): void
  /** The holder needs the lane no more; places taken must be given back first or later, but they must be. */
  release(retry: (() => void) | null): void
}

interface Session {
  /** The same for all who hold one: it knows nothing of the holder. */
  readonly lane: Lane
  holders: number
  inFlight: number
  /** First come, first served. */
  readonly waiting: Set<() => void>
}

/**
 * Bounds what is under way on this replica: requests per session, requests of all, and bytes of all. Streams wait in it, so the
 * backpressure reaches the sender through HTTP/2's flow control.
 */
export class Admission {
  readonly #limits: Pick<ServiceLimits, 'requestsInFlightPerSession' | 'requestsInFlight' | 'bytesInFlight'>
  readonly #sessions = new Map<number, Session>()
  readonly #waiting = new Set<() => void>()
  #inFlight = 0
  #bytes = 0

  constructor(
    limits: Pick<ServiceLimits, 'requestsInFlightPerSession' | 'requestsInFlight' | 'bytesInFlight'>,
  ) {
    this.#limits = limits
  }

  /** Requests under way, and sessions that have any lane open: for bounds in tests and for metrics. */
  get counts(): { readonly inFlight: number; readonly bytes: number; readonly sessions: number } {
    return { inFlight: this.#inFlight, bytes: this.#bytes, sessions: this.#sessions.size }
  }

  /** A request of this session would be refused, whatever it is. */
  isFull(sessionId: number): boolean {
    const inFlight = this.#sessions.get(sessionId)?.inFlight ?? 0
    return inFlight >= this.#limits.requestsInFlightPerSession || !this.#hasRoom(0)
  }

  lane(sessionId: number): Lane {
    let session = this.#sessions.get(sessionId)
    if (session === undefined) {
      session = this.#newSession(sessionId)
      this.#sessions.set(sessionId, session)
    }
    session.holders++
    return session.lane
  }

  #newSession(sessionId: number): Session {
    const lane: Lane = {
      enter: (bytes) => this.#enter(own, bytes),
      settled: (bytes) => {
        this.#inFlight--
        this.#bytes -= bytes
        this.#wake(this.#waiting, () => this.#hasRoom(0))
      },
      answered: () => {
        own.inFlight--
        this.#wake(own.waiting, () => own.inFlight < this.#limits.requestsInFlightPerSession)
        this.#forget(sessionId, own)
      },
      whenRoom: (retry) => {
        const full = own.inFlight >= this.#limits.requestsInFlightPerSession
        ;(full ? own.waiting : this.#waiting).add(retry)
      },
      release: (retry) => {
        if (retry !== null) {
          own.waiting.delete(retry)
          this.#waiting.delete(retry)
        }
        own.holders--
        this.#forget(sessionId, own)
      },
    }
    const own: Session = { lane, holders: 0, inFlight: 0, waiting: new Set() }
    return own
  }

  #enter(session: Session, bytes: number): boolean {
    if (session.inFlight >= this.#limits.requestsInFlightPerSession || !this.#hasRoom(bytes)) return false
    session.inFlight++
    this.#inFlight++
    this.#bytes += bytes
    return true
  }

  /** One request always has room, however large, so that a bound set too low does not stop everything. */
  #hasRoom(bytes: number): boolean {
    if (this.#inFlight === 0) return true
    return this.#inFlight < this.#limits.requestsInFlight && this.#bytes + bytes <= this.#limits.bytesInFlight
  }

  /** A woken stream enters as often as it can and may queue up again behind the others; each is woken at most once per turn. */
  #wake(waiting: Set<() => void>, room: () => boolean): void {
    let turns = waiting.size
    if (turns === 0) return
    for (const retry of waiting) {
      if (turns-- === 0 || !room()) return
      waiting.delete(retry)
      retry()
    }
  }

  #forget(sessionId: number, session: Session): void {
    if (session.holders === 0 && session.inFlight === 0) this.#sessions.delete(sessionId)
  }
}

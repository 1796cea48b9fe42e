import type { Http2Session } from 'node:http2'

/**
 * Ends a session in order: its other end is told, the calls under way go on, and when the last is over the connection ends.
 *
 * Why not `session.close()`: Node resets what is opened on a session that is closed while it still reads that very stream, and Node 20 goes on with memory that is free then: some hundred packets of a stranger ended
 * the process. Node closes a session by itself when its other end says goodbye (GOAWAY), so this stands in the place of `close` from the beginning. A session is closed and destroyed at once here, when it has no calls.
 */
export class Departure {
  readonly #session: Http2Session
  readonly #close: () => void
  readonly #hasCalls: () => boolean
  #isBegun = false

  /** `hasCalls`: some are under way. */
  constructor(session: Http2Session, hasCalls: () => boolean) {
    this.#session = session
    this.#close = session.close.bind(session)
    this.#hasCalls = hasCalls
    session.close = () => this.begin()
  }

  /** Twice is once. */
  begin(): void {
    if (this.#isBegun) return
    this.#isBegun = true
    // Later: Node may be reading what made it close the session.
    setImmediate(() => {
      if (!this.#session.destroyed) this.#session.goaway()
      this.#endIfDone()
    })
  }

  callEnded(): void {
    if (this.#isBegun && !this.#hasCalls()) setImmediate(() => this.#endIfDone())
  }

  #endIfDone(): void {
    if (this.#session.destroyed || this.#hasCalls()) return
    this.#close()
    // Nothing is opened any more in between.
    if (!this.#session.destroyed) this.#session.destroy()
  }
}

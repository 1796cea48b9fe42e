/** A connection that can be asked whether its other end is there. */
export interface Pinged {
  readonly destroyed: boolean
  /** `answered`: null when it is. */
  ping(answered: (error: Error | null) => void): unknown
}

export interface SignsOfLifeOptions {
  /** How often the other end is asked, milliseconds. */
  readonly pingMs: number
  /** How long it may take to answer, milliseconds. */
  readonly silentMs: number
}

/** Asks the other end of a connection again and again whether it is there. The path may be dead without either host knowing. */
export class SignsOfLife {
  readonly #connection: Pinged
  readonly #options: SignsOfLifeOptions
  readonly #silent: () => void
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  /** `silent`: called once, when there was no answer in time; not after `stop`. */
  constructor(connection: Pinged, options: SignsOfLifeOptions, silent: () => void) {
    this.#connection = connection
    this.#options = options
    this.#silent = silent
    this.#askLater()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #askLater(): void {
    this.#timer = setTimeout(() => {
      // It may be so long before its connection is, if the other end said goodbye and did not close.
      if (this.#connection.destroyed) {
        this.#silent()
        return
      }
      let judgement: NodeJS.Immediate | undefined
      this.#timer = setTimeout(() => {
        // After a stall of this process the answer may already wait in the socket: read before judging.
        judgement = setImmediate(() => {
          if (!this.#stopped) this.#silent()
        })
      }, this.#options.silentMs)
      this.#connection.ping((error) => {
        if (this.#stopped || error) return
        clearTimeout(this.#timer)
        clearImmediate(judgement)
        this.#askLater()
      })
    }, this.#options.pingMs)
  }
}

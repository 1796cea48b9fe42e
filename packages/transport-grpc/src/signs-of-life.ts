/** A connection that can be asked whether its other end is there. */
export interface Pinged {
  /** `answered`: called if it is. */
  ping(answered: () => void): void
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
      let judgement: NodeJS.Immediate | undefined
      this.#timer = setTimeout(() => {
        // After a stall of this process the answer may already wait in the socket: read before judging.
        judgement = setImmediate(() => {
          if (!this.#stopped) this.#silent()
        })
      }, this.#options.silentMs)
      this.#connection.ping(() => {
        if (this.#stopped) return
        clearTimeout(this.#timer)
        clearImmediate(judgement)
        this.#askLater()
      })
    }, this.#options.pingMs)
  }
}

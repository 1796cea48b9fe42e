import { type ChatClient, ChatError, type InboxMessage } from '@chatroom/client'

/** Hands a message to the user: resolves when it has left the process, and not before. */
export type Deliver = (message: InboxMessage) => Promise<void>

/**
 * The messages of one session on their way to the user. Each is delivered once, in order, and acknowledged only after it has been written out: if
 * this program dies before that, it comes again.
 */
export class Mail {
  readonly #client: ChatClient
  readonly #deliver: Deliver
  readonly #end = new AbortController()
  readonly #following: Promise<void>
  #highest = 0
  #delivered = 0
  #last: Promise<void> = Promise.resolve()
  #broken = false
  /** Resolves when the messages that waited at the beginning have been delivered, or never will be. */
  readonly caughtUp: Promise<void>

  /** @param onEnd told why messages arrive no longer, unless that was by `stop` or because they cannot be delivered */
  constructor(client: ChatClient, deliver: Deliver, onEnd: (error: ChatError) => void) {
    this.#client = client
    this.#deliver = deliver
    let resolve: () => void = () => undefined
    this.caughtUp = new Promise((caughtUp) => {
      resolve = caughtUp
    })
    this.#following = this.#follow(resolve, onEnd).finally(resolve)
  }

  /** Fetches what waits now. @returns how many messages came meanwhile. @throws ChatError */
  async fetch(): Promise<number> {
    const before = this.#delivered
    await this.#read(false, () => undefined)
    await this.#last
    return this.#delivered - before
  }

  /** Takes no more; what has been taken is still delivered. */
  async stop(): Promise<void> {
    this.#end.abort()
    await this.#following
    await this.#last
  }

  async #follow(onCaughtUp: () => void, onEnd: (error: ChatError) => void): Promise<void> {
    try {
      await this.#read(true, onCaughtUp)
    } catch (error) {
      if (!(error instanceof ChatError)) throw error
      if (!this.#end.signal.aborted) onEnd(error)
    }
  }

  async #read(follow: boolean, onCaughtUp: () => void): Promise<void> {
    const { signal } = this.#end
    for await (const message of this.#client.inbox({ after: this.#highest, follow, signal, onCaughtUp })) {
      // Two readers may be at it. Each sees every message after the one it began with, so that none is missed.
      if (message.sequence <= this.#highest) continue
      this.#highest = message.sequence
      this.#last = this.#take(message)
      await this.#last
      if (this.#broken) return
    }
  }

  async #take(message: InboxMessage): Promise<void> {
    try {
      await this.#deliver(message)
    } catch {
      // Not acknowledged, so it comes again. Whoever delivers has told that it cannot.
      this.#broken = true
      return
    }
    // A broken one before it was not written out: an acknowledgement would cover it too.
    if (this.#broken) return
    this.#delivered++
    void message.acknowledge()
  }
}

import { randomUUID } from 'node:crypto'
import { ChatServiceService } from '@chatroom/transport-grpc/chat'
import { ChatError } from './error.ts'
import { pause } from './pause.ts'
import { type RequestParts, request } from './request.ts'

export interface AcknowledgerParts extends RequestParts {
  readonly token: string
  /** Aborted when the session is over. */
  readonly ended: AbortSignal
  readonly onSessionEnded: (error: ChatError) => void
}

/** Acknowledgements go out at once, but no more often than this, milliseconds: each is an entry in the replicated log. */
const atMostEveryMs = 50

interface Waiter {
  readonly sequence: number
  readonly resolve: () => void
  readonly reject: (error: ChatError) => void
}

/** Acknowledges messages up to the highest one asked for, one request at a time, in the background. */
export class Acknowledger {
  readonly #parts: AcknowledgerParts
  #wanted = 0
  #done = 0
  #waiters: Waiter[] = []
  #running = false
  /** Ends the pause between two requests. */
  #hurry: () => void = () => undefined

  constructor(parts: AcknowledgerParts) {
    this.#parts = parts
  }

  /**
   * Asks for everything up to and including a sequence number. The promise need not be looked at: what failed goes out with the next
   * acknowledgement, and messages that stay unacknowledged come again.
   */
  acknowledge(sequence: number): Promise<void> {
    const { ended } = this.#parts
    const acknowledged = new Promise<void>((resolve, reject) => {
      if (sequence <= this.#done) resolve()
      else if (ended.aborted) reject(errorOf(ended.reason))
      else this.#waiters.push({ sequence, resolve, reject })
    })
    acknowledged.catch(() => undefined)
    this.#wanted = Math.max(this.#wanted, sequence)
    if (!this.#running && this.#waiters.length > 0) void this.#run()
    return acknowledged
  }

  /** Resolves when all that was asked for is acknowledged, without the usual pause. */
  async settled(): Promise<void> {
    this.#hurry()
    if (this.#wanted > this.#done) await this.acknowledge(this.#wanted)
  }

  async #run(): Promise<void> {
    this.#running = true
    while (this.#waiters.length > 0) {
      const upTo = this.#wanted
      const startedAt = performance.now()
      try {
        await this.#send(upTo)
        this.#done = Math.max(this.#done, upTo)
        this.#settle((waiter) => waiter.resolve(), upTo)
      } catch (error) {
        const failed = errorOf(error)
        if (failed.endsSession) this.#parts.onSessionEnded(failed)
        this.#settle((waiter) => waiter.reject(failed), Number.POSITIVE_INFINITY)
      }
      // It may have taken longer than the pause. Node 24 warns of a time that is over.
      const left = Math.max(0, startedAt + atMostEveryMs - performance.now())
      await pause(left, this.#parts.ended, (end) => {
        this.#hurry = end
      })
    }
    this.#running = false
  }

  async #send(upToSequence: number): Promise<void> {
    const requestId = randomUUID()
    await request(
      this.#parts,
      ChatServiceService.acknowledge,
      { requestId, upToSequence },
      { token: this.#parts.token, requestId, signals: [this.#parts.ended] },
    )
  }

  #settle(how: (waiter: Waiter) => void, upTo: number): void {
    const settled = this.#waiters.filter((waiter) => waiter.sequence <= upTo)
    this.#waiters = this.#waiters.filter((waiter) => waiter.sequence > upTo)
    for (const waiter of settled) how(waiter)
  }
}

function errorOf(error: unknown): ChatError {
  return error instanceof ChatError
    ? error
    : new ChatError('unknown', 'The acknowledgement failed.', { cause: error })
}

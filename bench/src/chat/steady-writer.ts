import type { ChatClient } from '@chatroom/client'
import { idOf, uniquePayload } from '../payload.ts'
import { readerName } from './accounts.ts'

/** One acknowledged message, by the clock of `performance.now()`. */
export interface Acknowledged {
  readonly begun: number
  readonly at: number
}

/** Sends one message after the other with packages/client, which goes on through a failover by itself. */
export class SteadyWriter {
  readonly acknowledged: Acknowledged[] = []
  /** Ids of all acknowledged messages. */
  readonly ids: string[] = []
  readonly #client: ChatClient
  readonly #done: Promise<void>
  #isOver = false
  #failure: Error | null = null
  #listener: (() => void) | null = null

  constructor(client: ChatClient) {
    this.#client = client
    this.#done = this.#write().catch((error: unknown) => {
      this.#failure = error instanceof Error ? error : new Error(String(error))
      this.#listener?.()
    })
  }

  /** The first acknowledgement of a message whose sending began after `moment`. */
  async firstAfter(moment: number): Promise<Acknowledged> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure
      const found = this.acknowledged.findLast(({ begun }) => begun > moment)
      if (found !== undefined) return this.acknowledged.find(({ begun }) => begun > moment) ?? found
      await new Promise<void>((resolve) => {
        this.#listener = resolve
      })
    }
  }

  /** Rejects if a message was given up. */
  async stop(): Promise<void> {
    this.#isOver = true
    await this.#done
    if (this.#failure !== null) throw this.#failure
  }

  async #write(): Promise<void> {
    while (!this.#isOver) {
      const payload = uniquePayload(100)
      const begun = performance.now()
      await this.#client.send(readerName, payload.toString('latin1'))
      this.acknowledged.push({ begun, at: performance.now() })
      this.ids.push(idOf(payload))
      this.#listener?.()
    }
  }
}

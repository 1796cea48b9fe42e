import { type ChatClient, ChatError, type InboxMessage } from '@chatroom/client'
import { passwordOf, type TestCluster } from './cluster.ts'
import { eventually } from './eventually.ts'
import { runScript } from './script.ts'

/** Messages that one sender has under way at most. */
const underWay = 32

interface Sender {
  readonly name: string
  readonly client: ChatClient
  /** Ids of the acknowledged messages, by their number. */
  readonly ids: string[]
  next: number
}

/**
 * Some clients that send to one reader without a pause, each its own numbers in order, while the test does things to the replicas. Afterwards `check` says
 * what is wrong with what arrived.
 */
export class Traffic {
  readonly received: InboxMessage[] = []
  /** Sessions that ended without having been asked to. */
  readonly endedSessions: ChatError[] = []
  readonly failedSends: ChatError[] = []
  readonly #cluster: TestCluster
  readonly #senders: readonly Sender[]
  readonly #reader: ChatClient
  #stopping = false
  #acknowledged = 0
  #lastAnswer = performance.now()
  #longestPauseMs = 0
  #sending: Promise<unknown> = Promise.resolve()
  #reading: Promise<void> = Promise.resolve()

  private constructor(cluster: TestCluster, senders: readonly Sender[], reader: ChatClient) {
    this.#cluster = cluster
    this.#senders = senders
    this.#reader = reader
  }

  static async begin(cluster: TestCluster, senderCount = 3): Promise<Traffic> {
    const reader = await cluster.loggedIn('reader')
    const names = Array.from({ length: senderCount }, (_, n) => `sender${n}`)
    const senders = await Promise.all(
      names.map(async (name) => ({ name, client: await cluster.loggedIn(name), ids: [], next: 0 })),
    )
    const traffic = new Traffic(cluster, senders, reader)
    traffic.#begin()
    return traffic
  }

  get acknowledged(): number {
    return this.#acknowledged
  }

  /** Longest time in which no send was answered, milliseconds. */
  get longestPauseMs(): number {
    return this.#longestPauseMs
  }

  /** Waits until so many more sends were acknowledged than now. */
  async more(count: number, withinMs?: number): Promise<void> {
    const wanted = this.#acknowledged + count
    await eventually(`${count} more acknowledged sends`, () => (this.#acknowledged >= wanted ? true : null), {
      ...(withinMs === undefined ? {} : { withinMs }),
      seen: () => `${this.#acknowledged} of ${wanted}; failed: ${this.failedSends.map(String).join('; ')}`,
    })
  }

  /** Sends nothing more, and waits until everything sent is acknowledged and everything acknowledged has arrived. */
  async end(): Promise<void> {
    this.#stopping = true
    await this.#sending
    await eventually(
      'the arrival of every message',
      () => (this.received.length >= this.#acknowledged ? true : null),
      {
        seen: () => `${this.received.length} of ${this.#acknowledged}`,
      },
    )
    await this.#reader.close()
    await this.#reading
  }

  /** What the reader's mailbox still holds, as the terminal client prints it: everything was acknowledged, so nothing. */
  async leftOver(): Promise<Record<string, unknown>[]> {
    const { results, messages } = await runScript(this.#cluster, [
      'login reader',
      passwordOf('reader'),
      'check',
    ])
    return [...results.filter(({ ok }) => ok !== true), ...messages]
  }

  /** Everything that is wrong: lost, doubled or out of order, a send that failed, a session that ended. */
  check(): string[] {
    const faults = [
      ...this.failedSends.map((error) => `a send failed: ${error}`),
      ...this.endedSessions.map((error) => `a session ended: ${error}`),
    ]
    for (const { name, ids } of this.#senders) {
      const arrived = this.received.filter(({ from }) => from === name)
      const numbers = arrived.map(({ text }) => Number(text))
      const outOfOrder = numbers.findIndex((number, place) => number !== place)
      if (outOfOrder >= 0) faults.push(`${name}: message ${numbers[outOfOrder]} at place ${outOfOrder}`)
      if (arrived.length !== ids.length)
        faults.push(`${name}: ${ids.length} acknowledged, ${arrived.length} arrived`)
      const otherId = arrived.findIndex(({ id }, place) => id !== ids[place])
      if (otherId >= 0)
        faults.push(`${name}: message ${otherId} arrived with another id than was acknowledged`)
    }
    const gap = this.received.findIndex(({ sequence }, place) => sequence !== place + 1)
    if (gap >= 0) faults.push(`the reader's sequence has a fault at place ${gap}`)
    return faults
  }

  #begin(): void {
    for (const client of [this.#reader, ...this.#senders.map((sender) => sender.client)]) {
      client.onSessionEnded((error) => this.endedSessions.push(error))
    }
    this.#sending = Promise.all(
      this.#senders.flatMap((sender) => Array.from({ length: underWay }, () => this.#send(sender))),
    )
    this.#reading = this.#read()
  }

  async #send(sender: Sender): Promise<void> {
    while (!this.#stopping) {
      const number = sender.next++
      try {
        const { id } = await sender.client.send('reader', String(number))
        sender.ids[number] = id
        this.#answered()
      } catch (error) {
        this.failedSends.push(asChatError(error))
        this.#stopping = true
      }
    }
  }

  #answered(): void {
    const now = performance.now()
    this.#longestPauseMs = Math.max(this.#longestPauseMs, now - this.#lastAnswer)
    this.#lastAnswer = now
    this.#acknowledged++
  }

  async #read(): Promise<void> {
    try {
      for await (const message of this.#reader.inbox()) {
        this.received.push(message)
        message.acknowledge().catch(() => undefined)
      }
    } catch (error) {
      if (!this.#stopping) this.failedSends.push(asChatError(error))
    }
  }
}

function asChatError(error: unknown): ChatError {
  if (error instanceof ChatError) return error
  throw error
}

import type { ClientDuplexStream } from '@grpc/grpc-js'
import type { SyncedFile } from './disk.ts'

/** Batches that may be under way. More would not be faster, fewer leave the disk idle while a reply travels. */
const batchesInFlight = 4
/** Of the leader and two followers. */
const quorum = 2

interface Append {
  readonly bytes: Buffer
  readonly done: () => void
}

/** The leader's part: a batch goes to the own disk and to both followers at once, and counts when two of the three have it. No terms, no elections, no reading back. */
export class ReplicatedLog {
  readonly #file: SyncedFile
  readonly #followers: readonly ClientDuplexStream<Buffer, Buffer>[]
  readonly #underWay = new Map<number, { acknowledged: number; readonly batch: readonly Append[] }>()
  #waiting: Append[] = []
  #isScheduled = false
  #next = 0

  constructor(file: SyncedFile, followers: readonly ClientDuplexStream<Buffer, Buffer>[]) {
    this.#file = file
    this.#followers = followers
    for (const follower of followers) {
      follower.on('data', (answer: Buffer) => this.#acknowledge(answer.readUInt32BE(0)))
      follower.on('error', () => undefined)
    }
  }

  append(bytes: Buffer, done: () => void): void {
    this.#waiting.push({ bytes, done })
    this.#schedule()
  }

  /** After the requests of this turn of the event loop: they share a batch. */
  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#ship()
    })
  }

  #ship(): void {
    if (this.#underWay.size >= batchesInFlight || this.#waiting.length === 0) return
    const batch = this.#waiting
    this.#waiting = []
    const number = this.#next++
    const head = Buffer.alloc(4)
    head.writeUInt32BE(number)
    const bytes = Buffer.concat(batch.map((append) => append.bytes))
    this.#underWay.set(number, { acknowledged: 0, batch })
    const message = Buffer.concat([head, bytes])
    for (const follower of this.#followers) follower.write(message)
    this.#file.append(bytes, () => this.#acknowledge(number))
  }

  #acknowledge(number: number): void {
    const found = this.#underWay.get(number)
    if (found === undefined || ++found.acknowledged < quorum) return
    this.#underWay.delete(number)
    for (const { done } of found.batch) done()
    if (this.#waiting.length > 0) this.#schedule()
  }
}

import { after, emptyTable, hashOfText, home, insert, remove, withoutWaste, withRoom } from './hash-table.ts'
import type { Outcome } from './outcome.ts'

/** A reply remembered for a retry. */
export interface RememberedReply {
  /** What the request is known by within its window. */
  readonly key: string
  /** Of the request's content. */
  readonly fingerprint: number
  readonly outcome: Outcome
  /** When the request was applied: milliseconds since 1970, logged time. */
  readonly at: number
}

/** A window as it was at one moment; later changes do not show. */
export interface ReplyWindowImage {
  readonly size: number
  /** The reply at this place, 0 being the oldest. */
  at(place: number): RememberedReply
}

/** Numbers kept per reply: fingerprint, outcome, time, hash of the key. */
const stride = 4
/** Replies kept behind the oldest before they are given up, as in `Fifo`. */
const slack = 16
/** Numbers of replies begin anew after so many: no window has more at a time. */
const round = 2 ** 30

/**
 * The newest replies to the requests of one session (or of all names), in order, found by their key. A reply costs its key, four plain numbers and a place
 * in a table: a session may remember a thousand, and thousands of sessions may.
 *
 * Like a `Fifo`, it only appends to its arrays and replaces them to free memory.
 */
export class ReplyWindow {
  #keys: string[] = []
  #numbers: number[] = []
  /** Number of the reply in `#keys[0]`. */
  #base: number
  /** Replies at the front of the arrays that were dropped. */
  #dropped = 0
  /** Finds the numbers, plus 1, of those replies that no newer one hides. */
  #table = emptyTable()
  #newestIndex = 0

  /** `first`: number of its first reply, from 0, less than 2 to the 30th. */
  constructor(first = 0) {
    this.#base = first
  }

  get size(): number {
    return this.#keys.length - this.#dropped
  }

  /** Log index of the newest reply's request. */
  get newestIndex(): number {
    return this.#newestIndex
  }

  /** When the newest reply was given; 0 if there is none. */
  get newestAt(): number {
    return this.#numbers[this.#numbers.length - stride + 2] ?? 0
  }

  /** The reply to the request of this key, if it was given after `horizon`. */
  find(key: string, horizon: number): RememberedReply | undefined {
    const value = this.#table[this.#placeOf(key, hashOfText(key)) + 1] ?? 0
    if (value === 0) return undefined
    const reply = replyAt(this.#keys, this.#numbers, this.#indexOf(value))
    return reply.at > horizon ? reply : undefined
  }

  /** A reply that the window has under this key already is not found any more. `index`: of the entry that was answered. */
  add(reply: RememberedReply, index: number): void {
    const hash = hashOfText(reply.key)
    const value = ((this.#base + this.#keys.length) % round) + 1
    const place = this.#placeOf(reply.key, hash)
    if (this.#table[place + 1] !== 0) {
      this.#table[place + 1] = value
    } else {
      this.#table = withRoom(this.#table, this.size + 1)
      insert(this.#table, hash, value)
    }
    this.#keys.push(reply.key)
    this.#numbers.push(reply.fingerprint, reply.outcome, reply.at, hash)
    this.#newestIndex = index
  }

  dropOldest(): void {
    if (this.size === 0) return
    remove(
      this.#table,
      this.#numbers[this.#dropped * stride + 3] ?? 0,
      ((this.#base + this.#dropped) % round) + 1,
    )
    this.#dropped++
    const { size } = this
    if (this.#dropped < slack + (size >> 2) && size > 0) return
    this.#keys = this.#keys.slice(this.#dropped)
    this.#numbers = this.#numbers.slice(this.#dropped * stride)
    this.#base = (this.#base + this.#dropped) % round
    this.#dropped = 0
    this.#table = withoutWaste(this.#table, size)
  }

  /** Forgets replies that were not given after `horizon`, at most so many. Returns how many. */
  dropUpTo(horizon: number, limit: number = Infinity): number {
    let dropped = 0
    for (; dropped < limit && this.size > 0 && this.#oldestAt() <= horizon; dropped++) this.dropOldest()
    return dropped
  }

  image(): ReplyWindowImage {
    const { size } = this
    const keys = this.#keys
    const numbers = this.#numbers
    const first = this.#dropped
    return { size, at: (place) => replyAt(keys, numbers, first + place) }
  }

  #oldestAt(): number {
    return this.#numbers[this.#dropped * stride + 2] ?? 0
  }

  /** Where the table has the reply of this key, or the free place where the search ended. */
  #placeOf(key: string, hash: number): number {
    const table = this.#table
    for (let place = home(hash, table); ; place = after(place, table)) {
      const value = table[place + 1] ?? 0
      if (value === 0) return place
      if (table[place] === hash && this.#keys[this.#indexOf(value)] === key) return place
    }
  }

  /** Where the arrays have the reply that the table knows by this value. */
  #indexOf(value: number): number {
    return (value - 1 - this.#base + round) % round
  }
}

function replyAt(keys: readonly string[], numbers: readonly number[], place: number): RememberedReply {
  const at = place * stride
  return {
    key: keys[place] ?? '',
    fingerprint: numbers[at] ?? 0,
    outcome: numbers[at + 1] ?? 0,
    at: numbers[at + 2] ?? 0,
  }
}

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

/** Numbers kept per reply: fingerprint, outcome, time. */
const stride = 3
/** Replies kept behind the oldest before they are given up, as in `Fifo`. */
const slack = 16

/**
 * The newest replies to the requests of one session (or of all names), in order, found by their key. A reply costs its key, three plain numbers and an
 * entry of a map: a session may remember a thousand, and thousands of sessions may.
 *
 * Like a `Fifo`, it only appends to its arrays and replaces them to free memory.
 */
export class ReplyWindow {
  #keys: string[] = []
  #numbers: number[] = []
  /** Number of the reply in `#keys[0]`. */
  #base = 0
  #first = 0
  readonly #numberOf = new Map<string, number>()
  /** Replies that are kept and not found any more, since another stands under their key. */
  #shadowed = 0
  #newestIndex = 0

  get size(): number {
    return this.#base + this.#keys.length - this.#first
  }

  /** Log index of the newest reply's request. */
  get newestIndex(): number {
    return this.#newestIndex
  }

  /** When the newest reply was given; 0 if there is none. */
  get newestAt(): number {
    return this.#numbers[this.#numbers.length - 1] ?? 0
  }

  /** The reply to the request of this key, if it was given after `horizon`. */
  find(key: string, horizon: number): RememberedReply | undefined {
    const number = this.#numberOf.get(key)
    if (number === undefined) return undefined
    const reply = replyAt(this.#keys, this.#numbers, number - this.#base)
    return reply.at > horizon ? reply : undefined
  }

  /** A reply that the window has under this key already is not found any more. `index`: of the entry that was answered. */
  add(reply: RememberedReply, index: number): void {
    const known = this.#numberOf.size
    this.#numberOf.set(reply.key, this.#base + this.#keys.length)
    if (this.#numberOf.size === known) this.#shadowed++
    this.#keys.push(reply.key)
    this.#numbers.push(reply.fingerprint, reply.outcome, reply.at)
    this.#newestIndex = index
  }

  dropOldest(): void {
    const key = this.#keys[this.#first - this.#base]
    if (key === undefined) return
    // Another reply may stand under this key by now: this one was too old to be found. Looking costs a walk through cold memory, so only if there are such.
    if (this.#shadowed > 0 && this.#numberOf.get(key) !== this.#first) this.#shadowed--
    else this.#numberOf.delete(key)
    this.#first++
    const removed = this.#first - this.#base
    if (removed < slack + (this.size >> 2) && this.size > 0) return
    this.#keys = this.#keys.slice(removed)
    this.#numbers = this.#numbers.slice(removed * stride)
    this.#base = this.#first
  }

  /** Forgets replies that were not given after `horizon`, at most so many. Returns how many. */
  dropUpTo(horizon: number, limit: number = Infinity): number {
    let dropped = 0
    for (; dropped < limit && this.size > 0 && this.#oldestAt() <= horizon; dropped++) this.dropOldest()
    return dropped
  }

  image(): ReplyWindowImage {
    const keys = this.#keys
    const numbers = this.#numbers
    const first = this.#first - this.#base
    return { size: this.size, at: (place) => replyAt(keys, numbers, first + place) }
  }

  #oldestAt(): number {
    return this.#numbers[(this.#first - this.#base) * stride + 2] ?? 0
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

import { after, distance, emptyTable, type HashTable, hashOfText, home, remove } from './hash-table.ts'
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
/** Replies that a window has room for at first. */
const firstRoom = 4
/** A search that passes more places than this was made long by somebody who chose the keys for it: a client chooses the ids of its requests. */
const longestSearch = 64

/** The replies themselves, in a ring: one of so many places each, which is a power of two. */
interface Ring {
  readonly keys: string[]
  readonly numbers: number[]
  readonly room: number
}

/**
 * The newest replies to the requests of one session (or of all names), in order, found by their key. A reply costs its key, four plain numbers and a place
 * in a table: a session may remember a thousand, and thousands of sessions may. A window that is full stays where it is in memory and makes no garbage.
 */
export class ReplyWindow {
  #ring: Ring = { keys: [], numbers: [], room: firstRoom }
  /** Place of the oldest reply. */
  #first = 0
  #size = 0
  /** Finds the places, plus 1, of those replies that no newer one hides. Twice the room, so that a search is short. */
  #table: HashTable = emptyTable(2 * firstRoom)
  /** An image looks at the ring: nothing may be written to it any more. */
  #seen = false
  /** Of the hashes. It has no effect but on the time that a search takes, and may differ from replica to replica. */
  #seed = 0
  /** The key that was hashed last, and its hash: a request is looked for, and then remembered. */
  #hashedKey: string | null = null
  #lastHash = 0
  #newestIndex = 0
  #newestAt = 0

  get size(): number {
    return this.#size
  }

  /** How often keys were given that all lay in one place, so that they had to be spread anew. */
  get spreads(): number {
    return this.#seed
  }

  /** Log index of the newest reply's request. */
  get newestIndex(): number {
    return this.#newestIndex
  }

  /** When the newest reply was given; 0 if there is none. */
  get newestAt(): number {
    return this.#size === 0 ? 0 : this.#newestAt
  }

  /** The reply to the request of this key, if it was given after `horizon`. */
  find(key: string, horizon: number): RememberedReply | undefined {
    const value = this.#table[this.#search(key, this.#hashOf(key)) + 1] ?? 0
    if (value === 0) return undefined
    const reply = replyAt(this.#ring, value - 1)
    return reply.at > horizon ? reply : undefined
  }

  /** A reply that the window has under this key already is not found any more. `index`: of the entry that was answered. */
  add({ key, fingerprint, outcome, at }: RememberedReply, index: number): void {
    if (this.#size === this.#ring.room) this.#move(2 * this.#size)
    else if (this.#seen) this.#move(this.#ring.room)
    const { keys, numbers } = this.#ring
    const hash = this.#hashOf(key)
    const place = this.#placeOf(this.#size)
    keys[place] = key
    const passed = this.#enter(key, hash, place)
    const to = place * stride
    numbers[to] = fingerprint
    numbers[to + 1] = outcome
    numbers[to + 2] = at
    numbers[to + 3] = hash
    this.#size++
    this.#newestIndex = index
    this.#newestAt = at
    if (passed <= longestSearch) return
    this.#seed++
    this.#hashedKey = null
    this.#move(this.#ring.room)
  }

  dropOldest(): void {
    if (this.#size === 0) return
    remove(this.#table, this.#ring.numbers[this.#first * stride + 3] ?? 0, this.#first + 1)
    this.#first = this.#placeOf(1)
    this.#size--
    const { room } = this.#ring
    if (room > firstRoom && this.#size <= room / 8) this.#move(room / 4)
  }

  /** Forgets replies that were not given after `horizon`, at most so many. Returns how many. */
  dropUpTo(horizon: number, limit: number = Infinity): number {
    let dropped = 0
    for (; dropped < limit && this.#size > 0 && this.#oldestAt() <= horizon; dropped++) this.dropOldest()
    return dropped
  }

  image(): ReplyWindowImage {
    this.#seen = true
    const ring = this.#ring
    const first = this.#first
    return { size: this.#size, at: (nth) => replyAt(ring, (first + nth) & (ring.room - 1)) }
  }

  #hashOf(key: string): number {
    if (key === this.#hashedKey) return this.#lastHash
    this.#hashedKey = key
    this.#lastHash = hashOfText(key, this.#seed)
    return this.#lastHash
  }

  #oldestAt(): number {
    return this.#ring.numbers[this.#first * stride + 2] ?? 0
  }

  /** The place of a reply, the oldest being the 0th. */
  #placeOf(nth: number): number {
    return (this.#first + nth) & (this.#ring.room - 1)
  }

  /** The table has this place for the key from now on, and no older one. Returns how many places it passed. */
  #enter(key: string, hash: number, place: number): number {
    const table = this.#table
    const at = this.#search(key, hash)
    table[at] = hash
    table[at + 1] = place + 1
    return distance(home(hash, table), at, table) / 2
  }

  /** Where the table has the reply of this key, or the free place where the search ended. */
  #search(key: string, hash: number): number {
    const table = this.#table
    const { keys } = this.#ring
    for (let at = home(hash, table); ; at = after(at, table)) {
      const value = table[at + 1] ?? 0
      if (value === 0 || (table[at] === hash && keys[value - 1] === key)) return at
    }
  }

  /** To a ring of its own with this room, the oldest reply in its first place, with hashes of the present seed. */
  #move(wanted: number): void {
    const room = Math.max(firstRoom, wanted)
    const ring = this.#ring
    const first = this.#first
    const end = first + this.#size
    const around = Math.max(0, end - ring.room)
    const keys = ring.keys.slice(first, end).concat(ring.keys.slice(0, around))
    const numbers = ring.numbers
      .slice(first * stride, end * stride)
      .concat(ring.numbers.slice(0, around * stride))
    this.#ring = { keys, numbers, room }
    this.#first = 0
    this.#table = emptyTable(2 * room)
    this.#seen = false
    for (const [place, key] of keys.entries()) {
      const hash = hashOfText(key, this.#seed)
      numbers[place * stride + 3] = hash
      this.#enter(key, hash, place)
    }
  }
}

function replyAt({ keys, numbers }: Ring, place: number): RememberedReply {
  const at = place * stride
  return {
    key: keys[place] ?? '',
    fingerprint: numbers[at] ?? 0,
    outcome: numbers[at + 1] ?? 0,
    at: numbers[at + 2] ?? 0,
  }
}

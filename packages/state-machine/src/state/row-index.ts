import type { Address } from './arena.ts'

const parts = 256
/** Entries that a part has room for at first. */
const firstRoom = 4
/** A part grows when it is fuller than this. */
const fullest = 3 / 4

/**
 * Finds rows of an arena by a key: a hash table of plain numbers, with open addressing, in 256 parts that grow by themselves (one table of a million entries would stop
 * everything while it is rebuilt). An entry takes two 32-bit numbers: the hash and the address, which is never 0.
 */
export class RowIndex<K> {
  readonly #isAt: (key: K, address: Address) => boolean
  /** Each made when it gets its first entry. */
  readonly #parts: (Uint32Array | undefined)[] = []
  readonly #sizes = new Uint32Array(parts)
  #size = 0

  /** `isAt`: whether the row at the address has this key. */
  constructor(isAt: (key: K, address: Address) => boolean) {
    this.#isAt = isAt
  }

  get size(): number {
    return this.#size
  }

  /** The address of the row with this key; 0 if there is none. */
  find(hash: number, key: K): Address {
    const table = this.#parts[hash >>> 24]
    if (table === undefined) return 0
    for (let place = home(hash, table); ; place = after(place, table)) {
      const address = table[place + 1] ?? 0
      if (address === 0) return 0
      if (table[place] === hash && this.#isAt(key, address)) return address
    }
  }

  /** The key must not be there. */
  add(hash: number, address: Address): void {
    const part = hash >>> 24
    const size = (this.#sizes[part] ?? 0) + 1
    const table = this.#withRoom(part, size)
    insert(table, hash, address)
    this.#sizes[part] = size
    this.#size++
  }

  /** The row must be there. */
  remove(hash: number, address: Address): void {
    const part = hash >>> 24
    const table = this.#parts[part]
    if (table === undefined) return
    let gap = home(hash, table)
    while (table[gap + 1] !== address) gap = after(gap, table)
    // What stands behind the gap and does not belong there moves up, so that no search ends too early.
    for (let place = after(gap, table); table[place + 1] !== 0; place = after(place, table)) {
      const moving = table[place] ?? 0
      if (distance(home(moving, table), place, table) < distance(gap, place, table)) continue
      table[gap] = moving
      table[gap + 1] = table[place + 1] ?? 0
      gap = place
    }
    table[gap + 1] = 0
    this.#sizes[part] = (this.#sizes[part] ?? 0) - 1
    this.#size--
  }

  #withRoom(part: number, size: number): Uint32Array {
    const table = this.#parts[part] ?? new Uint32Array(2 * firstRoom)
    if (size <= (table.length / 2) * fullest) {
      this.#parts[part] = table
      return table
    }
    const larger = new Uint32Array(2 * table.length)
    for (let place = 0; place < table.length; place += 2) {
      const address = table[place + 1] ?? 0
      if (address !== 0) insert(larger, table[place] ?? 0, address)
    }
    this.#parts[part] = larger
    return larger
  }
}

function insert(table: Uint32Array, hash: number, address: Address): void {
  let place = home(hash, table)
  while (table[place + 1] !== 0) place = after(place, table)
  table[place] = hash
  table[place + 1] = address
}

/** Where an entry of this hash should stand. */
function home(hash: number, table: Uint32Array): number {
  return (2 * hash) & (table.length - 1)
}

function after(place: number, table: Uint32Array): number {
  return (place + 2) & (table.length - 1)
}

/** How far it is from one place to another, going forward. */
function distance(from: number, to: number, table: Uint32Array): number {
  return (to - from) & (table.length - 1)
}

/** The hash of an index of the log: 32 bits, all of them well mixed. */
export function hashOfIndex(index: number): number {
  let bits = Math.imul(
    (index % 0x1_0000_0000) ^ Math.imul(Math.floor(index / 0x1_0000_0000), 0x85ebca6b),
    0x9e3779b1,
  )
  bits ^= bits >>> 15
  bits = Math.imul(bits, 0xc2b2ae35)
  return (bits ^ (bits >>> 13)) >>> 0
}

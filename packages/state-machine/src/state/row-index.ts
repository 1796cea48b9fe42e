import type { Address } from './arena.ts'
import { after, emptyTable, type HashTable, home, insert, remove, withRoom } from './hash-table.ts'

const parts = 256
/** Places of a part at first. */
const firstPlaces = 4

/**
 * Finds rows of an arena by a key, in 256 hash tables that grow by themselves: one of a million entries would stop everything while it is rebuilt. An entry takes two
 * 32-bit numbers, the hash and the address, which is never 0.
 */
export class RowIndex<K> {
  readonly #isAt: (key: K, address: Address) => boolean
  /** Each made when it gets its first entry. */
  readonly #parts: (HashTable | undefined)[] = []
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
    const table = withRoom(this.#parts[part] ?? emptyTable(firstPlaces), size)
    insert(table, hash, address)
    this.#parts[part] = table
    this.#sizes[part] = size
    this.#size++
  }

  remove(hash: number, address: Address): void {
    const part = hash >>> 24
    const table = this.#parts[part]
    if (table === undefined || !remove(table, hash, address)) return
    this.#sizes[part] = (this.#sizes[part] ?? 0) - 1
    this.#size--
  }
}

/**
 * A hash table of plain numbers with open addressing, for whoever knows what its values stand for: each place has the hash and the value, 32 bits each, and the
 * value 0 says that it is free. Who looks for something goes from its `home` on, place `after` place, until a free one.
 */
export type HashTable = Uint32Array<ArrayBuffer>

/** A table grows when it is fuller than this. */
const fullest = 3 / 4

/** Of the hash of a text: odd, so that no two states become one. */
export const textFactor = 0x9e3779b1

/** `places`: a power of two. */
export function emptyTable(places: number): HashTable {
  return new Uint32Array(2 * places)
}

/** Where an entry of this hash should stand. */
export function home(hash: number, table: HashTable): number {
  return (2 * hash) & (table.length - 1)
}

/** Where it stands if this place is another's. */
export function after(place: number, table: HashTable): number {
  return (place + 2) & (table.length - 1)
}

/** The table if it has room for so many entries; otherwise one twice as large, with the same entries. */
export function withRoom(table: HashTable, entries: number): HashTable {
  if (entries <= (table.length / 2) * fullest) return table
  const larger = emptyTable(table.length)
  for (let place = 0; place < table.length; place += 2) {
    const value = table[place + 1] ?? 0
    if (value !== 0) insert(larger, table[place] ?? 0, value)
  }
  return larger
}

/** There must be room. */
export function insert(table: HashTable, hash: number, value: number): void {
  let place = home(hash, table)
  while (table[place + 1] !== 0) place = after(place, table)
  table[place] = hash
  table[place + 1] = value
}

/** Removes the entry if it is there. Returns whether it was. */
export function remove(table: HashTable, hash: number, value: number): boolean {
  let gap = home(hash, table)
  while (table[gap + 1] !== value) {
    if (table[gap + 1] === 0) return false
    gap = after(gap, table)
  }
  // What stands behind the gap and does not belong there moves up, so that no search ends too early.
  for (let place = after(gap, table); table[place + 1] !== 0; place = after(place, table)) {
    const moving = table[place] ?? 0
    if (distance(home(moving, table), place, table) < distance(gap, place, table)) continue
    table[gap] = moving
    table[gap + 1] = table[place + 1] ?? 0
    gap = place
  }
  table[gap + 1] = 0
  return true
}

/** How far it is from one place to another, going forward; twice the number of places. */
export function distance(from: number, to: number, table: HashTable): number {
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

/** The hash of a text: 32 bits, all of them well mixed. Texts whose hashes are the same with one seed are mostly not so with another. */
export function hashOfText(text: string, seed: number): number {
  let bits = seed ^ text.length
  for (let i = 0; i < text.length; i++) bits = Math.imul(bits ^ text.charCodeAt(i), textFactor)
  bits ^= bits >>> 15
  bits = Math.imul(bits, 0xc2b2ae35)
  return (bits ^ (bits >>> 13)) >>> 0
}

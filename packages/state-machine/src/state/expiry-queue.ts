/** Something whose time comes, unless it is put off. */
export interface Expiring {
  readonly id: number
  /** When its time comes as of now. It only ever moves into the future. */
  readonly lastActive: number
  readonly idleTimeoutMs: number
  /** When its time comes at the latest; 0: it may be put off for ever. */
  readonly endsAt: number
  /** Kept by the queue: place in the heap; -1 if not in it. */
  queuePlace: number
  /** Kept by the queue: when its time came, when the queue looked last. */
  queuedFor: number
}

/** When a session ends that goes on being idle: milliseconds since 1970. */
export function dueAt(item: Pick<Expiring, 'lastActive' | 'idleTimeoutMs' | 'endsAt'>): number {
  const idleAt = item.lastActive + item.idleTimeoutMs
  return item.endsAt === 0 ? idleAt : Math.min(idleAt, item.endsAt)
}

/**
 * Whose time comes next. A binary heap by (time, id) that is put right lazily: activity, which only moves a time into the future, costs nothing; an item that
 * reaches the top with an outdated time sinks to where it belongs. Adding and removing cost O(log n).
 */
export class ExpiryQueue<T extends Expiring> {
  readonly #heap: T[] = []

  add(item: T): void {
    item.queuedFor = dueAt(item)
    this.#heap.push(item)
    this.#rise(item, this.#heap.length - 1)
  }

  remove(item: T): void {
    const place = item.queuePlace
    const last = this.#heap.pop()
    item.queuePlace = -1
    if (last === undefined || last === item) return
    this.#rise(last, place)
    this.#sink(last, last.queuePlace)
  }

  /** The item whose time comes first; of several, the one with the lowest id. */
  next(): T | undefined {
    for (;;) {
      const top = this.#heap[0]
      if (top === undefined || top.queuedFor === dueAt(top)) return top
      top.queuedFor = dueAt(top)
      this.#sink(top, 0)
    }
  }

  #rise(item: T, from: number): void {
    let place = from
    while (place > 0) {
      const parent = (place - 1) >> 1
      const above = this.#heap[parent]
      if (above === undefined || !before(item, above)) break
      this.#put(above, place)
      place = parent
    }
    this.#put(item, place)
  }

  #sink(item: T, from: number): void {
    let place = from
    for (;;) {
      const left = this.#heap[2 * place + 1]
      const right = this.#heap[2 * place + 2]
      if (left === undefined) break
      const child = right !== undefined && before(right, left) ? right : left
      if (!before(child, item)) break
      const childPlace = child.queuePlace
      this.#put(child, place)
      place = childPlace
    }
    this.#put(item, place)
  }

  #put(item: T, place: number): void {
    this.#heap[place] = item
    item.queuePlace = place
  }
}

function before(a: Expiring, b: Expiring): boolean {
  return a.queuedFor < b.queuedFor || (a.queuedFor === b.queuedFor && a.id < b.id)
}

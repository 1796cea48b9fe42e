/** Something that is going to happen. */
export interface Scheduled {
  /** Milliseconds of virtual time. */
  readonly at: number
  /** Among those of the same time, the one that was scheduled first happens first. */
  readonly order: number
  run: (() => void) | null
}

/** Virtual time: what is going to happen, in order. Nothing happens between two events. */
export class Timeline {
  #now = 0
  #order = 0
  readonly #heap: Scheduled[] = []

  /** Milliseconds since the beginning. */
  get now(): number {
    return this.#now
  }

  /** Runs once, after `ms` of virtual time. */
  after(ms: number, run: () => void): Scheduled {
    const scheduled: Scheduled = { at: this.#now + Math.max(0, ms), order: this.#order++, run }
    this.#push(scheduled)
    return scheduled
  }

  cancel(scheduled: Scheduled): void {
    scheduled.run = null
  }

  /** Takes the next thing out, sets the time to it and runs it; false if there is none until `end`, and the time is `end` then. */
  runNext(end: number): boolean {
    for (let next = this.#heap[0]; next !== undefined && next.at <= end; next = this.#heap[0]) {
      this.#pop()
      const { run } = next
      if (run === null) continue
      this.#now = next.at
      run()
      return true
    }
    this.#now = Math.max(this.#now, end)
    return false
  }

  #push(item: Scheduled): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(item)
    while (at > 0) {
      const parentAt = (at - 1) >> 1
      const parent = heap[parentAt]
      if (parent === undefined || !before(item, parent)) break
      heap[at] = parent
      at = parentAt
    }
    heap[at] = item
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let at = 0
    for (;;) {
      let childAt = at * 2 + 1
      let child = heap[childAt]
      if (child === undefined) break
      const right = heap[childAt + 1]
      if (right !== undefined && before(right, child)) {
        child = right
        childAt++
      }
      if (!before(child, last)) break
      heap[at] = child
      at = childAt
    }
    heap[at] = last
  }
}

function before(a: Scheduled, b: Scheduled): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

import { LinkedList, type Place } from '../linked-list.ts'

interface Entry<Value> {
  readonly value: Value
  readonly since: number
}

/** A place in a `TimeLimit`. */
export type Limited<Value> = Place<Entry<Value>>

/** Values that have so much time, all the same, with one timer for all: nearly every one is gone long before, and a timer for each is felt. */
export class TimeLimit<Value> {
  readonly #withinMs: number
  readonly #late: (value: Value) => void
  /** Oldest first. */
  readonly #values = new LinkedList<Entry<Value>>()
  #timer: NodeJS.Timeout | null = null

  /** `late` gets each value that has been there for `withinMs`, once. */
  constructor(withinMs: number, late: (value: Value) => void) {
    this.#withinMs = withinMs
    this.#late = late
  }

  /** @returns what `delete` wants */
  add(value: Value): Limited<Value> {
    if (this.#timer === null) this.#setTimer(this.#withinMs)
    return this.#values.add({ value, since: performance.now() })
  }

  delete(limited: Limited<Value>): void {
    this.#values.delete(limited)
  }

  #setTimer(afterMs: number): void {
    // A server that has stopped does not wait for it.
    this.#timer = setTimeout(() => this.#look(), afterMs).unref()
  }

  #look(): void {
    const now = performance.now()
    for (let place = this.#values.first; place !== null; place = this.#values.first) {
      const { value, since } = place.value
      // A timer may be early by less than a millisecond.
      const leftMs = Math.ceil(since + this.#withinMs - now)
      if (leftMs > 0) {
        this.#setTimer(leftMs)
        return
      }
      this.#values.delete(place)
      this.#late(value)
    }
    this.#timer = null
  }
}

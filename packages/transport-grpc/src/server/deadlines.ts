import { LinkedList, type Place } from '../linked-list.ts'

/** Something that ends at a time. */
interface WithDeadline {
  /** As `performance.now()` has it: the clock may be set. */
  readonly endsAt: number
  /** The time has come. Once. */
  expire(): void
}

/** A place in `Deadlines`. */
export type DeadlinePlace = Place<WithDeadline>

/** Between two looks through all calls, milliseconds: that many calls that end one after the other cost no look each. */
const betweenLooksMs = 10
/** setTimeout takes no more. */
const longestTimerMs = 2 ** 31 - 1

/** Ends calls at their deadlines, with one timer for all: nearly every call is answered long before, and a timer for each is felt. */
export class Deadlines {
  readonly #calls = new LinkedList<WithDeadline>()
  #timer: NodeJS.Timeout | undefined
  /** What the timer waits for, as `performance.now()` has it; no call that is here ends before. */
  #next = Number.POSITIVE_INFINITY
  #lookedAt = Number.NEGATIVE_INFINITY

  /** @returns what `delete` wants */
  add(call: WithDeadline): DeadlinePlace {
    if (call.endsAt < this.#next) this.#setTimer(call.endsAt)
    return this.#calls.add(call)
  }

  delete(place: DeadlinePlace): void {
    this.#calls.delete(place)
  }

  #setTimer(next: number): void {
    clearTimeout(this.#timer)
    this.#next = next
    const soonest = this.#lookedAt + betweenLooksMs
    const leftMs = Math.max(0, Math.ceil(Math.max(next, soonest) - performance.now()))
    // A server that has stopped does not wait for it.
    this.#timer = setTimeout(() => this.#look(), Math.min(leftMs, longestTimerMs)).unref()
  }

  #look(): void {
    this.#next = Number.POSITIVE_INFINITY
    const now = performance.now()
    this.#lookedAt = now
    let next = Number.POSITIVE_INFINITY
    const due: DeadlinePlace[] = []
    for (const place of this.#calls) {
      if (place.value.endsAt > now) next = Math.min(next, place.value.endsAt)
      else due.push(place)
    }
    if (next < this.#next) this.#setTimer(next)
    // Afterwards: one that ends may end others.
    for (const place of due) {
      const call = place.value
      this.#calls.delete(place)
      call?.expire()
    }
  }
}

/** A place in a `LinkedList`. */
export class Place<Value> {
  /** null: it is not in a list any more. */
  value: Value | null
  before: Place<Value> | null = null
  after: Place<Value> | null = null

  constructor(value: Value | null) {
    this.value = value
  }
}

/** A place that is in a list. */
type Held<Value> = Place<Value> & { readonly value: Value }

/**
 * Values in the order in which they were added.
 *
 * Why not a `Set`: V8 makes new insides for one every few values that come and go, old ones once the first were old, and each that was replaced keeps its values until the next major collection. For calls, which live
 * for a moment, that is a fifth of what an empty one costs.
 */
export class LinkedList<Value> {
  /** Before the first and after the last. */
  readonly #ends = new Place<Value>(null)

  constructor() {
    this.#ends.before = this.#ends
    this.#ends.after = this.#ends
  }

  /** @returns what `delete` wants */
  add(value: Value): Place<Value> {
    const place = new Place(value)
    const last = this.#ends.before ?? this.#ends
    place.before = last
    place.after = this.#ends
    last.after = place
    this.#ends.before = place
    return place
  }

  /** Twice is once. */
  delete(place: Place<Value>): void {
    const { before, after } = place
    if (before === null || after === null) return
    before.after = after
    after.before = before
    // Nothing that is kept by accident may keep others.
    place.before = null
    place.after = null
    place.value = null
  }

  /** The oldest; null: it is empty. */
  get first(): Held<Value> | null {
    const first = this.#ends.after
    return first !== null && isHeld(first) ? first : null
  }

  /** The oldest first. What was given may be deleted meanwhile. */
  *[Symbol.iterator](): Generator<Held<Value>, void, undefined> {
    let place = this.#ends.after
    while (place !== null && place !== this.#ends) {
      const { after } = place
      if (isHeld(place)) yield place
      place = after
    }
  }
}

function isHeld<Value>(place: Place<Value>): place is Held<Value> {
  return place.value !== null
}

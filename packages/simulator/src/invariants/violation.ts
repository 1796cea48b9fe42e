/** What must never happen has happened. */
export interface Violation {
  /** The invariant's name: what the shrinker keeps, and what a planted bug is expected to break. */
  readonly invariant: string
  readonly words: string
  /** Virtual milliseconds. */
  readonly at: number
}

/** Takes down the first violation of a run; what follows from it is of no interest. */
export class Violations {
  #first: Violation | null = null
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  get first(): Violation | null {
    return this.#first
  }

  add(invariant: string, words: string): void {
    this.#first ??= { invariant, words, at: this.#now() }
  }
}

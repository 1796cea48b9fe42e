import { type Entry, origin, type Position } from '../entry.ts'

/** Where the view entries of the log are, and the one that its snapshot stands for: with the newest one kept apart from the log, a log that lost its end can still tell what it had confirmed. */
export class ViewPositions {
  #positions: Position[]

  /** Ascending. */
  constructor(positions: readonly Position[]) {
    this.#positions = [...positions]
  }

  /** `origin` if there is none. */
  get newest(): Position {
    return this.#positions.at(-1) ?? origin
  }

  /** The log was truncated and went on so. Returns whether its newest view is another now. */
  follow(truncateFrom: number, parts: readonly (readonly Entry[])[]): boolean {
    const before = this.newest
    while ((this.#positions.at(-1)?.index ?? 0) >= truncateFrom) this.#positions.pop()
    for (const entries of parts)
      for (const { kind, index, term } of entries) if (kind === 'view') this.#positions.push({ index, term })
    const { newest } = this
    return newest.index !== before.index || newest.term !== before.term
  }

  /** Entries up to and including `index` were given up; the newest view stays in effect all the same. */
  compacted(index: number): void {
    this.#positions = this.#positions.filter(
      (position, at) => position.index > index || at === this.#positions.length - 1,
    )
  }
}

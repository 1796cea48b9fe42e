/** A mistake, as a change of the sources that exists only while a test looks for it. */
export interface Mutation {
  readonly name: string
  /** What is wrong with it, and what it leads to. */
  readonly words: string
  /** One edit or several; each `find` stands exactly once in its file. */
  readonly edits: readonly Edit[]
  /** The profile under which the simulator finds it. */
  readonly profile: string
  readonly workload?: 'chat' | 'registers'
  /** The simulator finds it within so many seeds, counted from 1. */
  readonly seedsNeeded: number
}

export interface Edit {
  /** From the repository's root. */
  readonly file: string
  readonly find: string
  readonly replace: string
}

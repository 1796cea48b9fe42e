/** A mistake, as a change of the sources that exists only while a test looks for it. */
export interface Mutation {
  readonly name: string
  /** What is wrong with it, and what it leads to. */
  readonly words: string
  /** One edit or several; each `find` stands exactly once in its file. */
  readonly edits: readonly Edit[]
  /** The profile under which the simulator finds it. */
  readonly profile: string
  /**
   * By what: an invariant that a run of this workload breaks, or a step that the model does not allow (`test/conformance`). Default: `chat`.
   */
  readonly by?: 'chat' | 'registers' | 'model'
  /** The first seed that is tried. Default: 1. */
  readonly from?: number
  /** It is found within so many seeds from there. */
  readonly seedsNeeded: number
}

export interface Edit {
  /** From the repository's root. */
  readonly file: string
  readonly find: string
  readonly replace: string
}

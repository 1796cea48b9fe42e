/** Mistakes that can be put into the rules. The search finds what each leads to. */
export const mistakes = {
  oldterm: 'an entry of an older term is committed by itself (Raft §5.4.2, Figure 8)',
  volatilevote: 'a crash forgets the term and the vote',
  doublevote: 'a replica votes twice in one term',
  blindvote: 'a replica votes without looking at the logs',
  half: 'half of the members decide',
  ackearly: 'a follower vouches for entries that its disk does not have yet',
  overack: 'a follower vouches for all of its log, not for what the leader has compared',
  keepsconflicts: 'a follower keeps its own entries where they differ from the leader’s',
  changeearly: 'a leader changes the members before an entry of its term is committed',
  twochanges: 'a leader changes the members again before the last change is committed',
} as const

export type Mistake = keyof typeof mistakes

/** How far to search. */
export interface Bounds {
  /** Replicas. */
  readonly size: number
  /** How many of them are members at first. Default: all. */
  readonly members?: number
  readonly crashes: number
  readonly writes: number
  /** The greatest term. */
  readonly terms: number
  /** Entries of the longest log. */
  readonly length: number
  /** Changes of the members. */
  readonly changes: number
}

export interface Setting extends Bounds {
  readonly mistake: Mistake | null
}

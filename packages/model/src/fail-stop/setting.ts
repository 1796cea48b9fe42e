/** Mistakes that can be put into the rules. The search finds what each leads to. */
export const mistakes = {
  noadmit: 'a replica stands because its own log names it, before it learned that this view is in force',
  staysadmitted: 'a restarted replica is still admitted',
  recoveryremoves: 'a leader in recovery, not yet admitted, removes a member by proof',
  any: 'a recovery begins with whoever came back',
  majority: 'a recovery begins with a majority of the newest view',
  longest: 'a recovery takes the longest log of all returnees, whoever they are',
  blindrecovery: 'a returnee votes in a recovery without looking at its own log and view',
  silence: 'a member that is silent counts as proven dead',
  anyproof: 'a proof about one run counts against a later one',
  leaderstays: 'a leader votes and goes on leading',
  doublevote: 'a replica votes twice in one term',
  volatilevote: 'a crash forgets the term and the vote',
  majoritycommit: 'an entry counts as committed when a majority of the view has it',
  ackearly: 'a follower vouches for entries that its disk does not have yet',
  olddisk: 'a replaced disk counts as the one that the view names',
  /** The only one that does no harm to the data: it is found by looking for states from which nobody can lead. */
  noadopt: 'a candidate needs the best log already instead of adopting it',
} as const

/**
 * Rules that could be left out without harm to what is kept: the search finds nothing. They are for other things, which their words name.
 */
export const precautions = {
  ownlog:
    'a candidate leads with its own log though a voter has a better one (adopting keeps more that was not acknowledged)',
  adoptfirst:
    'a candidate takes over a log before it holds the votes that freeze it (the votes make sure it is the best)',
  oldviewonly: 'a candidate does not ask the members of the view that it adopted',
  ownviewearly: 'a leader counts by its new view before its own disk has it',
  admittedrecovery: 'an admitted replica votes in a recovery',
  oldterm: 'an entry of an older term is committed by itself',
  unfrozen: 'a replica that has voted still takes entries of earlier terms',
  addearly:
    'a leader adds the next member before the view with the last one is in force (one at a time commits sooner)',
} as const

export type Mistake = keyof typeof mistakes | keyof typeof precautions

/** How far to search. */
export interface Bounds {
  /** Replicas. */
  readonly size: number
  /** Begin with a leader and all in its view; otherwise with processes that have never met. */
  readonly formed: boolean
  readonly crashes: number
  readonly writes: number
  /** The greatest term. */
  readonly terms: number
  /** Entries of the longest log. */
  readonly length: number
  /** Leadership transfers. */
  readonly transfers: number
  /** Disks that are replaced by empty ones. */
  readonly replacements: number
  /** Whether what a leader sent may arrive after it ceased to lead. */
  readonly lateAppends: boolean
  /** Whether a recovery may begin from old news of the others; otherwise only when all whom it needs would vote for it. */
  readonly staleNews: boolean
}

export interface Setting extends Bounds {
  /** What is committed is learned from replicas that are up, not from a message that somebody sent before it died. */
  readonly newsFromTheLiving: boolean
  /**
   * Whether a leader may add a returnee that has ended since it was heard. To a search that is nothing new: it might have been added before it ended. Default: no.
   */
  readonly lateAdditions?: boolean
  readonly mistake: Mistake | null
}

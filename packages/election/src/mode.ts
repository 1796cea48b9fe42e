import type { Member } from './member.ts'
import type { PlacedView, View } from './view.ts'

export type ModeName = 'fail-stop' | 'majority'

/** Yes, or why not: a value, so that `status` can say it. */
export type Verdict<Why extends string> = { readonly yes: true } | { readonly yes: false; readonly why: Why }

export type StandRefusal = 'has a leader' | 'is not admitted' | 'not in the view'

/** What a replica knows of itself when it asks whether it may stand for election. */
export interface Candidacy {
  readonly self: Member
  /** Its present incarnation has learned that a view naming it is in force. */
  readonly admitted: boolean
  /** The newest view in its log. */
  readonly view: View
  /** It follows a leader that is neither proven dead nor, where silence counts, silent. */
  readonly hasLeader: boolean
}

/** What a leader knows when it asks whether to change the view. */
export interface Leadership {
  readonly self: Member
  readonly admitted: boolean
  /** The newest view in its log. */
  readonly view: PlacedView
  /** That view is committed. */
  readonly inForce: boolean
  readonly isDead: (member: Member) => boolean
  /** Running replicas that the view does not name (or not with this disk or incarnation) and whose logs have all but caught up. */
  readonly caughtUp: readonly Member[]
}

export type ViewStep =
  | { readonly type: 'stay' }
  | { readonly type: 'change'; readonly view: View }
  /** The leader may neither go on with this view nor install another. */
  | { readonly type: 'give up'; readonly why: string }

/**
 * The decisions in which the modes differ: who may commit, who may elect, who may change the view. Everything else is one code for all.
 * All functions are pure.
 */
export interface Mode {
  readonly name: ModeName
  /**
   * Whether views name incarnations, so that a restarted replica is a returnee until a view names it anew. If so a candidate adopts the most up-to-date log
   * among its voters (rule 4); if not it needs that log already (Raft §5.4.1).
   */
  readonly namesIncarnations: boolean
  /** What silence of a member leads to: it is killed and then proven dead, or the others elect without it. */
  readonly onSilence: 'fence' | 'elect'
  /** Whether a leader answers reads at once, or after a round of messages proved that it still leads (thesis §6.4). */
  readonly readsNeedRound: boolean
  /** The greatest index that enough of the view hold durably, from what each is known to hold. The caller adds the rule about terms (Raft §5.4.2). */
  commitIndex(view: View, durableAt: (member: Member) => number): number
  /** Whether the votes suffice. */
  elected(view: View, granted: (member: Member) => boolean, isDead: (member: Member) => boolean): boolean
  /** Whether these members, having just answered, are enough to show that nobody else leads. */
  confirms(view: View, answered: (member: Member) => boolean, isDead: (member: Member) => boolean): boolean
  mayStand(candidacy: Candidacy): Verdict<StandRefusal>
  /** The view with which a leader begins that these running replicas elected, itself included, or null: it begins with an empty entry and the view stays. */
  openingView(view: View, isDead: (member: Member) => boolean, voters: readonly Member[]): View | null
  /** Whether the leader changes the view now, without being asked. */
  viewStep(leadership: Leadership): ViewStep
  /** How many members may crash at once without stopping service. `up`: members that run; `ready`: those that could lead without the others. */
  crashesTolerated(view: View, up: number, ready: number): number
}

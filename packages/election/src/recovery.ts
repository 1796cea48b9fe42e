import { type Member, namesDisk, type ReplicaId } from './member.ts'
import type { View } from './view.ts'

/** A returnee as others know it: which run it is, its newest view and where its log ends. */
export interface Returnee {
  readonly member: Member
  readonly view: View & { readonly index: number; readonly term: number }
  readonly last: { readonly index: number; readonly term: number }
}

export type RecoveryPlan =
  /** These have to come back; a replica of the same id with another disk does not count (rule 9). */
  | { readonly type: 'wait'; readonly missing: readonly ReplicaId[]; readonly replaced: readonly ReplicaId[] }
  /** All are back, and `leader` has the most up-to-date log: it asks `members`, itself among them, for their votes. */
  | { readonly type: 'lead'; readonly leader: ReplicaId; readonly members: readonly Member[] }

/** Views are ordered by term, then index. Less than 0 if `a` is the older. */
export function compareViews(a: { term: number; index: number }, b: { term: number; index: number }): number {
  return a.term - b.term || a.index - b.index
}

/**
 * Rule 6, the last-process-to-fail problem (Skeen 1985): of all returnees that are up and can be reached, the newest view decides who must be back; among
 * those the most up-to-date log leads, the lowest id breaking ties.
 */
export function planRecovery(returnees: readonly [Returnee, ...Returnee[]]): RecoveryPlan {
  const newest = returnees.reduce(
    (best, r) => (compareViews(r.view, best) > 0 ? r.view : best),
    returnees[0].view,
  )
  const back: Returnee[] = []
  const missing: ReplicaId[] = []
  const replaced: ReplicaId[] = []
  for (const named of newest.members) {
    const same = returnees.find((r) => namesDisk(named, r.member))
    if (same !== undefined) back.push(same)
    else if (returnees.some((r) => r.member.id === named.id)) replaced.push(named.id)
    else missing.push(named.id)
  }
  const [first, ...others] = back
  if (missing.length > 0 || replaced.length > 0 || first === undefined)
    return { type: 'wait', missing, replaced }
  let leader = first
  for (const other of others) {
    const ahead = other.last.term - leader.last.term || other.last.index - leader.last.index
    if (ahead > 0 || (ahead === 0 && other.member.id < leader.member.id)) leader = other
  }
  return { type: 'lead', leader: leader.member.id, members: back.map((r) => r.member) }
}

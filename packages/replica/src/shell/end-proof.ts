import { decodeView, type ModeName, namesDisk, type ReplicaId } from '@chatroom/election'
import type { LostEnd } from '@chatroom/replication-log'
import type { EntryAnswer, EntryHolder } from '../ports/entry-source.ts'

/**
 * Why it is not proven that the log of `holder` has all that a replica can have confirmed before it lost the end of its own; null: it is. The arguments are in SPEC.md ("A log that lost
 * its end").
 */
export function whyNotProven(
  mode: ModeName,
  lost: LostEnd,
  holder: EntryHolder,
  answer: EntryAnswer,
): string | null {
  return mode === 'majority' ? whyNotByTerm(lost, holder, answer) : whyNotByView(lost, holder, answer)
}

/** Whether this replica was alone in the newest view that its disk knew: nobody who is not admitted will ever have what it confirmed since. */
export function wasAlone(mode: ModeName, id: ReplicaId, { view }: LostEnd): boolean {
  if (mode === 'majority' || view === null || view.payload === null) return false
  return decodeView(view.payload).members.every((member) => member.id === id)
}

/** A leader has all that was committed in its term and before; so has whoever follows the leader of a later term. */
function whyNotByTerm({ term, last }: LostEnd, holder: EntryHolder, { entries }: EntryAnswer): string | null {
  const reached = entries.at(-1)?.term ?? 0
  if ((holder.leads && holder.term >= term) || reached > term || last.term > term) return null
  return holder.leads
    ? `leads in term ${holder.term}, but this replica was in term ${term} already: it can help after the next election, or after \`chatctl transfer-leadership\` has brought the cluster to that term`
    : `neither leads nor has an entry of a term after ${term}`
}

/** An admitted replica has all that is committed; a member of a view has all that was committed under it and before. */
function whyNotByView({ view }: LostEnd, holder: EntryHolder, { entries }: EntryAnswer): string | null {
  if (holder.admitted) return null
  if (view === null) return 'is not admitted'
  const { index, term } = view
  const payload = view.payload ?? entries.find((each) => each.index === index && each.term === term)?.payload
  if (payload === undefined) return `is not admitted and does not have the view at entry ${index}`
  const named = decodeView(payload).members
  const running = { id: holder.id, disk: holder.disk, incarnation: 0 }
  if (named.some((member) => namesDisk(member, running))) return null
  return `is not admitted, and the view at entry ${index} is of ${named.map(({ id }) => `replica ${id}`).join(', ')}`
}

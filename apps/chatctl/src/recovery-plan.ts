/** What is known of one data directory. */
export interface Survivor {
  readonly id: number
  readonly view: {
    readonly index: number
    readonly term: number
    readonly members: readonly { readonly id: number }[]
  }
  /** Every replica that it knows of. */
  readonly named: readonly number[]
  readonly last: { readonly index: number; readonly term: number }
  readonly lastTime: number
  readonly isOfFailStop: boolean
}

export type RecoveryPlan =
  /** It must not be done; why, as a sentence. */
  | { readonly type: 'refuse'; readonly why: string }
  /** Nobody waits for those that are lost: starting the others is enough; why, as a sentence. */
  | { readonly type: 'unneeded'; readonly why: string }
  /** `base` goes on alone; the data of `aside` is put aside, so that they start anew and are brought up to date. `lost`: members whose data is given up. */
  | {
      readonly type: 'recover'
      readonly base: number
      readonly aside: readonly number[]
      readonly lost: readonly number[]
    }

/** What to do with the data directories that are there, where the replicas of `without` will not come back (SPEC.md, rule 6). */
export function planRecovery(survivors: readonly Survivor[], without: readonly number[]): RecoveryPlan {
  const [first, ...others] = survivors
  if (first === undefined) return refuse('There is no data of any other replica: nothing can be recovered.')
  if (!survivors.some(({ isOfFailStop }) => isOfFailStop))
    return refuse(
      'The data is of no cluster in fail-stop mode: one that never began needs no recovery, and in majority mode the chat goes on when a majority is back.',
    )
  const newest =
    [...survivors].sort((a, b) => b.view.term - a.view.term || b.view.index - a.view.index)[0] ?? first
  const members = newest.view.members.map(({ id }) => id)
  const lost = members.filter((id) => without.includes(id))
  const missing = members.filter((id) => !without.includes(id) && !survivors.some((other) => other.id === id))
  const strangers = without.filter((id) => !survivors.some(({ named }) => named.includes(id)))
  if (strangers.length > 0)
    return refuse(
      `The data here knows of no replica ${strangers.join(', ')}: the newest view counts on replica ${members.join(', ')}. Give the ids of those whose disks are gone.`,
    )
  if (lost.length === 0)
    return {
      type: 'unneeded',
      why: `Nobody waits for replica ${without.join(', ')}: the newest view counts on replica ${members.join(', ')}. Start the replicas.`,
    }
  if (missing.length > 0)
    return refuse(
      `The newest view counts on replica ${missing.join(', ')}, too, and there is no data of it here. Bring it, or give it up as well: --without ${[...without, ...missing].toSorted((a, b) => a - b).join()}.`,
    )
  let base = first
  for (const other of others) {
    const ahead = other.last.term - base.last.term || other.last.index - base.last.index
    if (ahead > 0 || (ahead === 0 && other.id < base.id)) base = other
  }
  return {
    type: 'recover',
    base: base.id,
    lost,
    aside: survivors.map(({ id }) => id).filter((id) => id !== base.id),
  }
}

function refuse(why: string): RecoveryPlan {
  return { type: 'refuse', why }
}

/** The number of a replica: 0 to 6, from the configuration. */
export type ReplicaId = number

/**
 * One run of one replica's process on one disk. `disk` is the random identity of the data directory, `incarnation` counts the starts
 * on it. A proof of death is about exactly one of these, and a fail-stop view names exactly these.
 */
export interface Member {
  readonly id: ReplicaId
  /** '' in a bootstrap view, and in majority mode until the replica has been seen: any disk. */
  readonly disk: string
  /** 0 in a bootstrap view and in majority mode: any incarnation. */
  readonly incarnation: number
}

/** Whether both are the same run of the same replica on the same disk. */
export function sameMember(a: Member, b: Member): boolean {
  return a.id === b.id && a.disk === b.disk && a.incarnation === b.incarnation
}

/** Whether what a view says (`named`, possibly any disk or any incarnation) covers this running replica. */
export function names(named: Member, running: Member): boolean {
  return namesDisk(named, running) && (named.incarnation === 0 || named.incarnation === running.incarnation)
}

/** The same without the incarnation: whether this is the replica whose disk the view counts on. */
export function namesDisk(named: Member, running: Member): boolean {
  return named.id === running.id && (named.disk === '' || named.disk === running.disk)
}

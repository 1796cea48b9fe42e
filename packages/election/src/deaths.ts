import type { Member, ReplicaId } from './member.ts'

/** Greatest incarnation per disk. */
type Runs = Map<string, number>

/**
 * What is proven about which incarnations have ended (fail-stop, rule 1). Silence never gets in here.
 *
 * An attempt to reach a replica proves something only about incarnations that were known before it began: a later one may have been born since.
 * So `attempting` remembers what was known, and `refused` and `answered` speak about just that.
 */
export class Deaths {
  readonly #seen = new Map<ReplicaId, Runs>()
  readonly #ended = new Map<ReplicaId, Runs>()
  readonly #attempts = new Map<ReplicaId, { attempt: number; seen: Runs }>()

  /** A running incarnation was heard of: it said so itself, or a view names it. Earlier ones on its disk have ended. */
  learn(member: Member): void {
    if (member.disk === '' || member.incarnation === 0 || this.#hasSeen(member)) return
    raise(this.#seen, member.id, member.disk, member.incarnation)
    if (member.incarnation > 1) raise(this.#ended, member.id, member.disk, member.incarnation - 1)
  }

  /** A proof from somebody else, or from a fencer. */
  prove(member: Member): void {
    if (member.disk === '' || member.incarnation === 0) return
    raise(this.#seen, member.id, member.disk, member.incarnation)
    raise(this.#ended, member.id, member.disk, member.incarnation)
  }

  attempting(peer: ReplicaId, attempt: number): void {
    this.#attempts.set(peer, { attempt, seen: new Map(this.#seen.get(peer)) })
  }

  /** The peer's address refused that attempt, and a refusal there proves that no process of it runs. */
  refused(peer: ReplicaId, attempt: number): void {
    const began = this.#attempts.get(peer)
    if (began === undefined || began.attempt !== attempt) return
    for (const [disk, incarnation] of began.seen) raise(this.#ended, peer, disk, incarnation)
  }

  /** The peer's address answered that attempt as this member: what was known before on another disk has ended. */
  answered(attempt: number, member: Member): void {
    const began = this.#attempts.get(member.id)
    if (began !== undefined && began.attempt === attempt) {
      for (const [disk, incarnation] of began.seen)
        if (disk !== member.disk) raise(this.#ended, member.id, disk, incarnation)
    }
    this.learn(member)
  }

  /** Whether exactly this incarnation is proven to have ended. Never true of a member that a view does not pin down. */
  isDead(member: Member): boolean {
    if (member.disk === '' || member.incarnation === 0) return false
    return (this.#ended.get(member.id)?.get(member.disk) ?? 0) >= member.incarnation
  }

  /** It or a later one on its disk: then that earlier ones have ended is known, too. */
  #hasSeen({ id, disk, incarnation }: Member): boolean {
    return (this.#seen.get(id)?.get(disk) ?? 0) >= incarnation
  }

  /** Whether a later incarnation on the same disk has been seen: what `member` said is out of date. */
  isOutdated(member: Member): boolean {
    return (this.#seen.get(member.id)?.get(member.disk) ?? 0) > member.incarnation
  }
}

function raise(all: Map<ReplicaId, Runs>, id: ReplicaId, disk: string, incarnation: number): void {
  let runs = all.get(id)
  if (runs === undefined) {
    runs = new Map()
    all.set(id, runs)
  }
  runs.set(disk, Math.max(runs.get(disk) ?? 0, incarnation))
}

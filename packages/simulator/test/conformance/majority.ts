import type { Member, ReplicaId } from '@chatroom/election'
import {
  commonLength,
  describeMajorityState,
  type MajorityAction,
  type MajoritySetting,
  type MajorityState,
  majoritySystem,
} from '@chatroom/model'
import type { HardState, Position } from '@chatroom/replication-log'
import type { Observed } from './observed.ts'
import { appendTo, compareVoteWith, compareWith, flushedTo, type Rules } from './rules.ts'

const unbounded: Omit<MajoritySetting, 'size'> = {
  crashes: Number.POSITIVE_INFINITY,
  writes: Number.POSITIVE_INFINITY,
  terms: Number.POSITIVE_INFINITY,
  length: Number.POSITIVE_INFINITY,
  changes: Number.POSITIVE_INFINITY,
  mistake: null,
}

/** The model of majority mode, led through what was observed. */
export class MajorityRules implements Rules {
  readonly #system: ReturnType<typeof majoritySystem>
  #state: MajorityState

  /** The first `members` of `size` replicas are members at first. */
  constructor(size: number, members: number) {
    this.#system = majoritySystem({ ...unbounded, size, members })
    this.#state = this.#system.start
  }

  crash(id: ReplicaId): string | null {
    return this.#try({ type: 'crash', id })
  }

  restart(id: ReplicaId): string | null {
    return this.#try({ type: 'restart', id })
  }

  flush(id: ReplicaId, upTo: number): string | null {
    const to = flushedTo(this.#replica(id), upTo)
    return to === null ? null : this.#try({ type: 'flush', id, upTo: to })
  }

  compare(id: ReplicaId, is: { term: number; last: Position }): string | null {
    return compareWith(this.#replica(id), is)
  }

  compareVote(id: ReplicaId, hardState: HardState): string | null {
    return compareVoteWith(this.#replica(id), hardState)
  }

  broken(): string | null {
    return this.#system.broken(this.#state)
  }

  describe(): string {
    return describeMajorityState(this.#state)
  }

  take(id: ReplicaId, observed: Observed): string | null {
    const replica = this.#replica(id)
    switch (observed.type) {
      case 'vote':
        return this.#vote(id, observed.candidate, observed.term)
      case 'append':
        return this.#append(id, observed)
      case 'enter':
        return this.#try({ type: 'enter', id, term: observed.term })
      case 'stand':
        return observed.term === replica.term + 1
          ? this.#try({ type: 'stand', id })
          : `stands in term ${observed.term}, and was in term ${replica.term}`
      case 'adopt':
        return 'nobody adopts a log in majority mode'
      case 'lead':
        return this.#try({ type: 'lead', id })
      case 'write':
        return this.#try({ type: 'write', id })
      case 'change':
        return this.#change(id, observed.view)
      case 'commit':
        return this.#try({ type: 'commit', id, upTo: observed.upTo })
      case 'know':
        return commonLength(replica.log, this.#state.committed) >= observed.upTo
          ? null
          : 'nobody has committed that'
      // Everybody is admitted from the start, and who steps down does no harm by it.
      case 'learn':
      case 'give up':
        return null
    }
  }

  #replica(id: ReplicaId): MajorityState['replicas'][number] {
    const replica = this.#state.replicas[id]
    if (replica === undefined) throw new RangeError(`no replica ${id}`)
    return replica
  }

  #try(action: MajorityAction): string | null {
    const state = this.#system.apply(this.#state, action)
    if (state === null) return 'the model does not allow that'
    this.#state = state
    return null
  }

  /** A vote for somebody who does not stand any more only raises the term. */
  #vote(id: ReplicaId, candidate: ReplicaId, term: number): string | null {
    const voter = this.#replica(id)
    const standing = this.#replica(candidate)
    if (!standing.up || standing.role !== 'candidate' || standing.term !== term)
      return voter.term < term ? this.#try({ type: 'enter', id, term }) : null
    if (standing.votes.includes(id) && voter.votedFor === candidate) return null
    return this.#try({ type: 'vote', id, candidate })
  }

  #append(id: ReplicaId, observed: Extract<Observed, { type: 'append' }>): string | null {
    return appendTo(this.#replica(id), this.#state.sent[observed.term], observed, (upTo) =>
      this.#try({ type: 'append', id, term: observed.term, upTo }),
    )
  }

  /** To pin a member to its disk, to name the cluster or to add a learner changes nobody's vote: to the model that is a command. */
  #change(id: ReplicaId, members: readonly Member[]): string | null {
    const before = this.#replica(id).log.view.members.map((member) => member.id)
    const now = members.map((member) => member.id)
    const [changed, ...more] = [
      ...before.filter((member) => !now.includes(member)),
      ...now.filter((member) => !before.includes(member)),
    ]
    if (changed === undefined) return this.#try({ type: 'write', id })
    if (more.length > 0) return 'more than one change at a time'
    return this.#try({ type: 'change', id, member: changed })
  }
}

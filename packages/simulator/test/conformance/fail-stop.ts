import type { Member, ReplicaId } from '@chatroom/election'
import {
  commonLength,
  describeFailStopState,
  type FailStopAction,
  type FailStopSetting,
  type FailStopState,
  failStopSystem,
  RUNS_PER_DISK,
} from '@chatroom/model'
import type { HardState, Position } from '@chatroom/replication-log'
import type { Observed } from './observed.ts'
import { appendTo, compareVoteWith, compareWith, flushedTo, type Rules } from './rules.ts'

const unbounded: Omit<FailStopSetting, 'size'> = {
  formed: false,
  crashes: Number.POSITIVE_INFINITY,
  writes: Number.POSITIVE_INFINITY,
  terms: Number.POSITIVE_INFINITY,
  length: Number.POSITIVE_INFINITY,
  transfers: Number.POSITIVE_INFINITY,
  replacements: 0,
  lateAppends: true,
  staleNews: true,
  newsFromTheLiving: false,
  lateAdditions: true,
  mistake: null,
}

const runOf = ({ incarnation }: Member): number => RUNS_PER_DISK + incarnation

/** The model of fail-stop, led through what was observed. */
export class FailStopRules implements Rules {
  readonly #system: ReturnType<typeof failStopSystem>
  #state: FailStopState

  constructor(size: number) {
    this.#system = failStopSystem({ ...unbounded, size })
    this.#state = this.#system.start
  }

  crash(id: ReplicaId): string | null {
    return this.#try([{ type: 'crash', id }])
  }

  restart(id: ReplicaId): string | null {
    return this.#try([{ type: 'restart', id }])
  }

  flush(id: ReplicaId, upTo: number): string | null {
    const to = flushedTo(this.#replica(id), upTo)
    return to === null ? null : this.#try([{ type: 'flush', id, upTo: to }])
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
    return describeFailStopState(this.#state)
  }

  take(id: ReplicaId, observed: Observed): string | null {
    const replica = this.#replica(id)
    switch (observed.type) {
      case 'vote':
        return this.#vote(id, observed.candidate, observed.term)
      case 'append':
        return this.#append(id, observed)
      case 'enter':
        return this.#try([{ type: 'enter', id, term: observed.term }])
      case 'stand':
        return observed.returnees === null
          ? this.#stand(id, observed.term, observed.transfer)
          : this.#recover(id, observed.term, observed.returnees)
      case 'adopt':
        if (replica.log.length === observed.upTo && replica.campaign?.pullingFrom === -1) return null
        return this.#try([{ type: 'adopt', id, voter: observed.voter, upTo: observed.upTo }])
      case 'lead':
        return this.#lead(id, observed.view ?? [])
      case 'write':
        return this.#try([{ type: 'write', id }])
      case 'change':
        return this.#change(id, observed.view)
      case 'commit':
        return this.#try([{ type: 'commit', id, upTo: observed.upTo }])
      case 'know':
        return commonLength(replica.log, this.#state.committed) >= observed.upTo
          ? null
          : 'nobody has committed that'
      case 'learn':
        return replica.admitted ? null : this.#try([{ type: 'learn', id }])
      case 'give up':
        return replica.role === 'follower' ? null : this.#try([{ type: 'give up', id }])
    }
  }

  #replica(id: ReplicaId): FailStopState['replicas'][number] {
    const replica = this.#state.replicas[id]
    if (replica === undefined) throw new RangeError(`no replica ${id}`)
    return replica
  }

  /** Takes the first of these that the model allows. */
  #try(
    actions: readonly FailStopAction[],
    agrees: (state: FailStopState) => boolean = () => true,
  ): string | null {
    for (const action of actions) {
      const state = this.#system.apply(this.#state, action)
      if (state === null || !agrees(state)) continue
      this.#state = state
      return null
    }
    return 'the model does not allow that'
  }

  /** A vote for somebody who does not stand any more only raises the term. */
  #vote(id: ReplicaId, candidate: ReplicaId, term: number): string | null {
    const voter = this.#replica(id)
    const standing = this.#replica(candidate)
    const { campaign } = standing
    if (!standing.up || standing.role !== 'candidate' || standing.term !== term || campaign === null)
      return voter.term < term ? this.#try([{ type: 'enter', id, term }]) : null
    if (campaign.votes[id]?.run === voter.run && voter.votedFor === candidate) return null
    return this.#try([{ type: 'vote', id, candidate }])
  }

  #append(id: ReplicaId, observed: Extract<Observed, { type: 'append' }>): string | null {
    return appendTo(this.#replica(id), this.#state.sent[observed.term], observed, (upTo) =>
      this.#try([{ type: 'append', id, term: observed.term, upTo }]),
    )
  }

  /** Whether its leader asked for it no longer matters when that one has ended. */
  #stand(id: ReplicaId, term: number, transfer: boolean): string | null {
    const election = { type: 'stand', id, kind: 'election', term } as const
    return this.#try(transfer ? [{ ...election, kind: 'transfer' }, election] : [election])
  }

  /** It went by the newest view that it knew: somebody's. */
  #recover(id: ReplicaId, term: number, returnees: readonly Member[]): string | null {
    const wanted = returnees.map((member) => member.id).join(' ')
    return this.#try(
      this.#state.replicas.map((_, by) => ({ type: 'recover', id, by, term })),
      (state) => state.replicas[id]?.campaign?.electors?.map((member) => member.id).join(' ') === wanted,
    )
  }

  #lead(id: ReplicaId, members: readonly Member[]): string | null {
    const { campaign, log } = this.#replica(id)
    const view = campaign?.electors ?? log.view.members
    const dead = view.filter((member) => !members.some(({ id: other }) => other === member.id))
    return this.#try([{ type: 'lead', id, dead: dead.map((member) => member.id) }], (state) =>
      this.#viewIs(state, id, members),
    )
  }

  #change(id: ReplicaId, members: readonly Member[]): string | null {
    const { members: before } = this.#replica(id).log.view
    const isThere = (
      list: readonly { id: number; run: number }[],
      member: { id: number; run: number },
    ): boolean => list.some(({ id: other, run }) => other === member.id && run === member.run)
    const now = members.map((member) => ({ id: member.id, run: runOf(member) }))
    const gone = before.filter((member) => !isThere(now, member)).map((member) => member.id)
    const [joiner, ...more] = now.filter((member) => !isThere(before, member))
    if (more.length > 0 || (joiner !== undefined && gone.length > 0)) return 'more than one change at a time'
    const action: FailStopAction =
      joiner === undefined ? { type: 'remove', id, dead: gone } : { type: 'add', id, joiner: joiner.id }
    return this.#try([action], (state) => this.#viewIs(state, id, members))
  }

  #viewIs(state: FailStopState, id: ReplicaId, members: readonly Member[]): boolean {
    const view = state.replicas[id]?.log.view.members ?? []
    return (
      view.length === members.length &&
      members.every((member, at) => view[at]?.id === member.id && view[at].run === runOf(member))
    )
  }
}

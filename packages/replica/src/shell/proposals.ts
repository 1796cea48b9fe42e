import type { ReplicaId } from '@chatroom/election'
import type { Refusal } from '../core/effects.ts'
import type { LeaderHint, ReplicaErrorCode } from '../errors.ts'
import { ReplicaError } from '../errors.ts'
import type { ReplicaObserver } from '../ports/observer.ts'

/** Who hears what became of commands that were proposed together: once for each, in their order. */
export interface ProposalListener<Reply> {
  /** `at`: the place of the command among those of its call, from 0. */
  replied(at: number, reply: Reply): void
  failed(at: number, error: ReplicaError): void
}

/** The commands of one call. */
interface Group<Reply> {
  readonly payloads: readonly Uint8Array[]
  readonly listener: ProposalListener<Reply>
  /** Where they stand in the log. */
  first: number
  term: number
  /** How many have been settled. */
  settled: number
}

/**
 * The commands that gather to enter the log together, and those in the log that wait to be applied. What waits costs an object a
 * call, whatever the number of its commands.
 */
export class Proposals<Reply> {
  #gathering: Group<Reply>[] = []
  #handedIn: Group<Reply>[] = []
  /** In the order of the log; those before `#next` were settled, and are let go of: they hold what their callers were told. */
  #inLog: (Group<Reply> | null)[] = []
  #next = 0
  #size = 0
  #waiting = 0
  readonly #observer: Pick<ReplicaObserver, 'proposalsFailed'> | undefined

  constructor(observer?: Pick<ReplicaObserver, 'proposalsFailed'>) {
    this.#observer = observer
  }

  /** True if these are the first of their turn. */
  add(payloads: readonly Uint8Array[], listener: ProposalListener<Reply>): boolean {
    this.#size += payloads.length
    return this.#gathering.push({ payloads, listener, first: 0, term: 0, settled: 0 }) === 1
  }

  /** Commands that are not settled. */
  get size(): number {
    return this.#size
  }

  /** Commands that are in the log and not settled. */
  get inLog(): number {
    return this.#waiting
  }

  /** The payloads to propose now, in the order of the calls. */
  handIn(): readonly Uint8Array[] {
    this.#handedIn = this.#gathering
    this.#gathering = []
    const [first] = this.#handedIn
    if (this.#handedIn.length === 1 && first !== undefined) return first.payloads
    return this.#handedIn.flatMap((group) => group.payloads)
  }

  /** Those handed in are in the log now. Returns how many. */
  proposed(first: number, term: number): number {
    let index = first
    for (const group of this.#handedIn) {
      group.first = index
      group.term = term
      index += group.payloads.length
      this.#inLog.push(group)
    }
    this.#handedIn = []
    this.#waiting += index - first
    return index - first
  }

  refused(error: ReplicaError): void {
    const refused = this.#handedIn
    this.#handedIn = []
    this.#failEach(refused, error)
  }

  /** Entries are applied in their order, each once. */
  applied(index: number, term: number, reply: Reply): void {
    const group = this.#inLog[this.#next]
    if (group === undefined || group === null || index < group.first) return
    const at = group.settled++
    if (index !== group.first + at)
      throw new RangeError(
        `entry ${index} is applied, but ${group.first + at} is the next that somebody waits for`,
      )
    this.#size--
    this.#waiting--
    if (group.settled === group.payloads.length) this.#forget()
    if (group.term === term) return group.listener.replied(at, reply)
    const error = outcomeUnknown()
    this.#count(error, 1)
    group.listener.failed(at, error)
  }

  /** Leadership ended, or the replica: nobody can tell from here what becomes of these. */
  fail(error: ReplicaError): void {
    const all = this.#inLog.filter((group) => group !== null)
    this.#inLog = []
    this.#next = 0
    this.#waiting = 0
    this.#failEach(all, error)
  }

  failAll(error: ReplicaError): void {
    this.fail(error)
    const gathering = this.#gathering
    this.#gathering = []
    this.#failEach(gathering, error)
  }

  /** The first group is settled. Its place is given back now and then: each time costs a move of the rest. */
  #forget(): void {
    this.#inLog[this.#next++] = null
    if (this.#next < this.#inLog.length && this.#next < 256) return
    this.#inLog.splice(0, this.#next)
    this.#next = 0
  }

  #failEach(groups: readonly Group<Reply>[], error: ReplicaError): void {
    const left = groups.reduce((sum, { payloads, settled }) => sum + payloads.length - settled, 0)
    this.#size -= left
    this.#count(error, left)
    for (const group of groups)
      while (group.settled < group.payloads.length) group.listener.failed(group.settled++, error)
  }

  #count(error: ReplicaError, commands: number): void {
    if (commands > 0) this.#observer?.proposalsFailed(error.code, commands)
  }
}

export function outcomeUnknown(): ReplicaError {
  return new ReplicaError(
    'outcome unknown',
    'leadership ended while this command was under way: it may or may not take effect; try again with the same request id',
  )
}

/** `full`: the replicas whose disks are. */
export function refusal(
  why: Refusal,
  leader: LeaderHint | null,
  full: readonly { readonly id: ReplicaId }[] = [],
): ReplicaError {
  const codes: Record<Refusal, ReplicaErrorCode> = {
    'not leader': 'not leader',
    'not ready': 'not ready',
    overloaded: 'overloaded',
    'storage full': 'storage full',
  }
  const words: Record<Refusal, string> = {
    'not leader':
      leader === null
        ? 'this replica does not lead, and it knows of no leader: try again soon'
        : `this replica does not lead: ask replica ${leader.id}${leader.address === '' ? '' : ` at ${leader.address}`}`,
    'not ready': 'this replica leads but may not serve yet: try again in a moment',
    overloaded: 'too much is under way: try again later',
    'storage full': `no room on the disk of replica ${full.map(({ id }) => id).join(' and of replica ')}: free some space; nothing was lost, and nothing was done`,
  }
  return new ReplicaError(codes[why], words[why], { leader })
}

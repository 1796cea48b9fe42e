import type { Refusal } from '../core/effects.ts'
import type { LeaderHint, ReplicaErrorCode } from '../errors.ts'
import { ReplicaError } from '../errors.ts'
import type { ReplicaObserver } from '../ports/observer.ts'

interface Waiting<Reply> {
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: ReplicaError) => void
}

interface Proposal<Reply> extends Waiting<Reply> {
  readonly payload: Uint8Array
}

/** The commands of one turn of the event loop, on their way into the log together, and those in the log that wait to be applied. */
export class Proposals<Reply> {
  #gathering: Proposal<Reply>[] = []
  #handedIn: Proposal<Reply>[] = []
  readonly #inLog = new Map<number, Waiting<Reply> & { readonly term: number }>()
  readonly #observer: Pick<ReplicaObserver, 'proposalsFailed'> | undefined

  constructor(observer?: Pick<ReplicaObserver, 'proposalsFailed'>) {
    this.#observer = observer
  }

  /** True if it is the first of its turn. */
  add(proposal: Proposal<Reply>): boolean {
    return this.#gathering.push(proposal) === 1
  }

  get size(): number {
    return this.#gathering.length + this.#inLog.size
  }

  /** The payloads to propose now, in the order of the calls. */
  handIn(): Uint8Array[] {
    this.#handedIn = this.#gathering
    this.#gathering = []
    return this.#handedIn.map((proposal) => proposal.payload)
  }

  /** Those handed in are in the log now. Returns how many. */
  proposed(first: number, term: number): number {
    let index = first
    for (const { resolve, reject } of this.#handedIn) this.#inLog.set(index++, { resolve, reject, term })
    this.#handedIn = []
    return index - first
  }

  refused(error: ReplicaError): void {
    const refused = this.#handedIn
    this.#handedIn = []
    this.#count(error, refused.length)
    for (const proposal of refused) proposal.reject(error)
  }

  applied(index: number, term: number, reply: Reply): void {
    const waiting = this.#inLog.get(index)
    if (waiting === undefined) return
    this.#inLog.delete(index)
    if (waiting.term === term) return waiting.resolve(reply)
    const error = outcomeUnknown()
    this.#count(error, 1)
    waiting.reject(error)
  }

  /** Leadership ended, or the replica: nobody can tell from here what becomes of these. */
  fail(error: ReplicaError): void {
    const all = [...this.#inLog.values()]
    this.#inLog.clear()
    this.#count(error, all.length)
    for (const waiting of all) waiting.reject(error)
  }

  failAll(error: ReplicaError): void {
    this.fail(error)
    const gathering = this.#gathering
    this.#gathering = []
    this.#count(error, gathering.length)
    for (const proposal of gathering) proposal.reject(error)
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

export function refusal(why: Refusal, leader: LeaderHint | null): ReplicaError {
  const codes: Record<Refusal, ReplicaErrorCode> = {
    'not leader': 'not leader',
    'not ready': 'not ready',
    overloaded: 'overloaded',
  }
  const words: Record<Refusal, string> = {
    'not leader':
      leader === null
        ? 'this replica does not lead, and it knows of no leader: try again soon'
        : `this replica does not lead: ask replica ${leader.id}${leader.address === '' ? '' : ` at ${leader.address}`}`,
    'not ready': 'this replica leads but may not serve yet: try again in a moment',
    overloaded: 'too much is under way: try again later',
  }
  return new ReplicaError(codes[why], words[why], { leader })
}

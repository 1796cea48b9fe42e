import { describeLog, type Log, type LogTable } from '../log.ts'
import { fingerprint } from '../seen.ts'
import { inverse } from '../symmetry.ts'

/** As `votedFor`: this replica has not voted in its term. */
export const NOBODY = -1

/** One replica. What survives a crash: `term`, `votedFor`, `durable`. */
export interface Replica {
  readonly up: boolean
  readonly term: number
  readonly votedFor: number
  /** In memory. The disk of a follower has the same: its answer leaves after that. */
  readonly log: Log
  readonly durable: Log
  readonly role: 'follower' | 'candidate' | 'leader'
  /** Of a candidate: who voted for it. */
  readonly votes: readonly number[]
  /** Of a leader: how much of its log each other replica holds, as far as it knows; and how far it has committed. */
  readonly match: readonly number[]
  readonly commit: number
}

export interface State {
  readonly replicas: readonly Replica[]
  /** Everything any leader ever committed. */
  readonly committed: Log
  /** Per term: the log of whoever led in it. All of it may arrive anywhere at any later time; undefined: nobody led. */
  readonly sent: readonly (Log | undefined)[]
  readonly crashes: number
  readonly writes: number
  readonly changes: number
  /** What a step broke; never mended. */
  readonly broken: string | null
}

export function newCluster(logs: LogTable, size: number): State {
  const replica: Replica = {
    up: true,
    term: 0,
    votedFor: NOBODY,
    log: logs.empty,
    durable: logs.empty,
    role: 'follower',
    votes: [],
    match: [],
    commit: 0,
  }
  return {
    replicas: Array.from({ length: size }, () => replica),
    committed: logs.empty,
    sent: [],
    crashes: 0,
    writes: 0,
    changes: 0,
    broken: null,
  }
}

export function replicaOf(state: State, id: number): Replica {
  const replica = state.replicas[id]
  if (replica === undefined) throw new RangeError(`no replica ${id}`)
  return replica
}

export function withReplica(state: State, id: number, change: Partial<Replica>): State {
  return { ...state, replicas: state.replicas.with(id, { ...replicaOf(state, id), ...change }) }
}

/** Who leads in a term; -1: nobody that is up. */
export function leaderOf(state: State, term: number): number {
  return state.replicas.findIndex((replica) => replica.role === 'leader' && replica.term === term)
}

/** What must hold in every state; the words of what does not. */
export function broken(state: State): string | null {
  return state.broken
}

const ROLES = ['follower', 'candidate', 'leader'] as const

/** Makes fingerprints that are equal for states which differ only in the names of the replicas. */
export class Fingerprints {
  readonly #logs: LogTable
  readonly #permutations: readonly (readonly number[])[]
  readonly #inverses: readonly (readonly number[])[]
  readonly #words = new Int32Array(1024)
  #length = 0

  constructor(logs: LogTable, permutations: readonly (readonly number[])[]) {
    this.#logs = logs
    this.#permutations = permutations
    this.#inverses = permutations.map(inverse)
  }

  of(state: State): number {
    let least = Number.POSITIVE_INFINITY
    for (let permutation = 0; permutation < this.#permutations.length; permutation++) {
      this.#length = 0
      this.#write(state, permutation)
      least = Math.min(least, fingerprint(this.#words, this.#length))
    }
    return least
  }

  #put(word: number): void {
    this.#words[this.#length++] = word
  }

  #log(log: Log | undefined, permutation: number): void {
    this.#put(log === undefined ? -1 : this.#logs.renamed(log, permutation).number)
  }

  #write(state: State, permutation: number): void {
    const oldNames = this.#inverses[permutation] ?? []
    const newNames = this.#permutations[permutation] ?? []
    for (const id of oldNames) {
      const { up, term, votedFor, log, durable, role, votes, match, commit } = replicaOf(state, id)
      this.#put(Number(up) + 2 * ROLES.indexOf(role) + 8 * term + 256 * commit)
      this.#put(votedFor < 0 ? votedFor : (newNames[votedFor] ?? NOBODY))
      this.#log(log, permutation)
      this.#log(durable, permutation)
      if (role === 'candidate') for (const other of oldNames) this.#put(votes.includes(other) ? 1 : 0)
      if (role === 'leader') for (const other of oldNames) this.#put(match[other] ?? 0)
    }
    this.#log(state.committed, permutation)
    for (const log of state.sent) this.#log(log, permutation)
    this.#put(state.crashes + 16 * state.writes + 256 * state.changes + (state.broken === null ? 0 : 4096))
  }
}

export function describeState(state: State): string {
  const lines = state.replicas.map(({ up, role, term, votedFor, votes, match, commit, log, durable }, id) =>
    [
      `  ${id}`,
      up ? role : 'down',
      `term ${term}`,
      votedFor < 0 ? '' : `voted for ${votedFor}`,
      role === 'candidate' ? `votes of ${votes.join(' ') || 'nobody'}` : '',
      role === 'leader' ? `commit ${commit}, match ${match.join(' ')}` : '',
      `log ${describeLog(log)}`,
      durable === log ? '' : `disk ${describeLog(durable)}`,
    ]
      .filter((word) => word !== '')
      .join(', '),
  )
  return [...lines, `  committed ${describeLog(state.committed)}`].join('\n')
}

import { describeLog, type Log, type LogTable, type Member, prefix, termAt, viewNames } from '../log.ts'
import { fingerprint } from '../seen.ts'
import { inverse } from '../symmetry.ts'
import type { Setting } from './setting.ts'

/** Incarnations that one disk may have: a run is `disk * RUNS_PER_DISK + incarnation`, so a replaced disk begins a later run (rule 9). */
export const RUNS_PER_DISK: number = 2 ** 20

/** What a leader knows of one other replica: of which run it speaks, and how much of its own log that run holds durably. */
export interface Progress {
  readonly run: number
  readonly match: number
}

/** A granted vote: which run gave it, and the log it had, frozen by the vote. */
interface Vote {
  readonly run: number
  readonly log: Log
}

export interface Campaign {
  /** `transfer`: the leader asked for it. `recovery`: everybody died (rule 6). */
  readonly kind: 'election' | 'transfer' | 'recovery'
  /** Recovery: whose votes are needed. Otherwise null: those of the view of its log, which adoption may change. */
  readonly electors: readonly Member[] | null
  readonly votes: readonly (Vote | null)[]
  /** Whose log it is taking over, -1: nobody's. */
  readonly pullingFrom: number
}

/** One replica. What survives a crash: `run`, `term`, `votedFor`, `durable`. */
export interface Replica {
  readonly up: boolean
  readonly run: number
  readonly term: number
  /** A replica, NOBODY or SOMEBODY. */
  readonly votedFor: number
  /** In memory. For all but leaders and candidates that take over a log the disk has the same: an answer leaves after the disk is done, and a crash before it is a message lost. */
  readonly log: Log
  readonly durable: Log
  readonly role: 'follower' | 'candidate' | 'leader'
  /** Has heard the leader of its term, and that leader still leads. */
  readonly hearsLeader: boolean
  /** This run has learned that a view naming it is in force. */
  readonly admitted: boolean
  /** Of a leader: how far it has committed; 0 for others, who may learn at any time what anybody knew. */
  readonly commit: number
  readonly progress: readonly Progress[]
  readonly campaign: Campaign | null
}

export interface State {
  readonly replicas: readonly Replica[]
  /** Everything any leader ever committed, and so may have acknowledged. */
  readonly committed: Log
  /** Per term: the log of whoever led in it, as far as it may still arrive somewhere; undefined: nobody led; null: nothing of it is under way. */
  readonly sent: readonly (Log | null | undefined)[]
  readonly crashes: number
  readonly writes: number
  readonly transfers: number
  readonly replacements: number
  /** What a step broke; never mended. */
  readonly broken: string | null
}

/** As `votedFor`: this replica has not voted in its term. */
export const NOBODY = -1
/** As `votedFor`: it has, for somebody who no longer stands. */
const SOMEBODY = -2

export const noProgress: readonly Progress[] = []
const unheard: Progress = { run: 0, match: 0 }

/** Processes that have never met, on empty disks. */
export function newCluster(logs: LogTable, size: number): State {
  const replica: Replica = {
    up: true,
    run: RUNS_PER_DISK + 1,
    term: 0,
    votedFor: NOBODY,
    log: logs.empty,
    durable: logs.empty,
    role: 'follower',
    hearsLeader: false,
    admitted: false,
    commit: 0,
    progress: noProgress,
    campaign: null,
  }
  return {
    replicas: Array.from({ length: size }, () => replica),
    committed: logs.empty,
    sent: [],
    crashes: 0,
    writes: 0,
    transfers: 0,
    replacements: 0,
    broken: null,
  }
}

/** The same a moment later: replica 0 leads in term 1, and its view of all is in force. */
export function formedCluster(logs: LogTable, size: number): State {
  const before = newCluster(logs, size)
  const members = before.replicas.map(({ run }, id) => ({ id, run }))
  const log = logs.append(logs.empty, { kind: 'view', term: 1, members })
  const replicas = before.replicas.map((replica, id): Replica => {
    const follower = {
      ...replica,
      term: 1,
      votedFor: SOMEBODY,
      log,
      durable: log,
      admitted: true,
      hearsLeader: id > 0,
    }
    if (id > 0) return follower
    const progress = members.map(({ run }) => ({ run, match: 0 }))
    return { ...follower, votedFor: 0, role: 'leader', commit: 1, progress: progress.with(0, unheard) }
  })
  return { ...before, replicas, committed: log, sent: [undefined, log] }
}

export function replicaOf(state: State, id: number): Replica {
  const replica = state.replicas[id]
  if (replica === undefined) throw new RangeError(`no replica ${id}`)
  return replica
}

export function withReplica(state: State, id: number, change: Partial<Replica>): State {
  return { ...state, replicas: state.replicas.with(id, { ...replicaOf(state, id), ...change }) }
}

/** Whether that run has ended: what a proof of death is about (rule 1). Who knows of it is another question, and every rule is tried with and without. */
export function isDead(state: State, { id, run }: Member): boolean {
  const replica = replicaOf(state, id)
  return !replica.up || replica.run !== run
}

/** The same, for whoever asks: proven, or taken for it by the mistake under test. */
export function mayBeKnownDead(setting: Setting, state: State, member: Member): boolean {
  if (isDead(state, member) || setting.mistake === 'silence') return true
  return setting.mistake === 'anyproof' && replicaOf(state, member.id).run % RUNS_PER_DISK > 1
}

/** Who leads in a term; -1: nobody that is up. */
export function leaderOf(state: State, term: number): number {
  return state.replicas.findIndex(
    (replica) => replica.up && replica.role === 'leader' && replica.term === term,
  )
}

/** Leads, and an entry of its term is committed. */
export function serves(replica: Replica): boolean {
  return (
    replica.up &&
    replica.role === 'leader' &&
    replica.commit > 0 &&
    termAt(replica.log, replica.commit) === replica.term
  )
}

/** Where the oldest view stands that names exactly this run: once that is known to be committed, the run is admitted. 0: none does. */
export function namedAt(log: Log, id: number, run: number): number {
  let index = 0
  for (let view = log.view; view.index > 0; view = prefix(log, view.index - 1).view) {
    if (viewNames(view, id, run)) index = view.index
  }
  return index
}

/**
 * Forgets what nothing depends on any more, so that states that differ only in that are one: whom a vote went to when that one no longer stands; acknowledgements
 * of what is committed, and those of a run that is neither in the view nor up; what was sent in terms that nobody can be in again.
 */
export function settled(
  state: State,
  { lateAppends: keepLateAppends, lateAdditions = false }: Setting,
): State {
  const replicas = state.replicas.map((replica) => settledReplica(state, replica, lateAdditions))
  const oldest = Math.min(...replicas.map((replica) => replica.term))
  const sent = state.sent.map((log, term) => {
    if (log === undefined || leaderOf(state, term) >= 0) return log
    if (term <= oldest && !(keepLateAppends && term === oldest)) return undefined
    const mayArrive = keepLateAppends && replicas.some((replica) => replica.up && replica.term <= term)
    return mayArrive ? log : null
  })
  return { ...state, replicas, sent }
}

function settledReplica(state: State, replica: Replica, keepEnded: boolean): Replica {
  const { term, role, log, commit } = replica
  const hearsLeader = replica.hearsLeader && leaderOf(state, term) >= 0
  let { votedFor, progress } = replica
  if (votedFor >= 0) {
    const chosen = replicaOf(state, votedFor)
    if (!chosen.up || chosen.term !== term || chosen.role === 'follower') votedFor = SOMEBODY
  }
  if (role === 'leader') {
    progress = progress.map((known, id) => {
      const alive = replicaOf(state, id).up && replicaOf(state, id).run === known.run
      if (!alive && !keepEnded && !viewNames(log.view, id, known.run)) return unheard
      return known.match > 0 && known.match <= commit ? { run: known.run, match: 0 } : known
    })
  }
  if (hearsLeader === replica.hearsLeader && votedFor === replica.votedFor && progress === replica.progress)
    return replica
  return { ...replica, hearsLeader, votedFor, progress }
}

const ROLES = ['follower', 'candidate', 'leader'] as const
const CAMPAIGNS = ['election', 'transfer', 'recovery'] as const

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

  #log(log: Log, permutation: number): void {
    this.#put(this.#logs.renamed(log, permutation).number)
  }

  #write(state: State, permutation: number): void {
    const oldNames = this.#inverses[permutation] ?? []
    for (const id of oldNames) this.#replica(replicaOf(state, id), permutation, oldNames)
    this.#log(state.committed, permutation)
    for (const log of state.sent) {
      if (log === undefined || log === null) this.#put(log === null ? -2 : -1)
      else this.#log(log, permutation)
    }
    this.#put(state.crashes + 16 * state.writes + 256 * state.transfers + 4096 * state.replacements)
    this.#put(state.broken === null ? 0 : 1)
  }

  #replica(replica: Replica, permutation: number, oldNames: readonly number[]): void {
    const newNames = this.#permutations[permutation] ?? []
    const { up, run, term, votedFor, role, hearsLeader, admitted, commit, campaign } = replica
    this.#put(Number(up) + 2 * Number(hearsLeader) + 4 * Number(admitted) + 8 * ROLES.indexOf(role))
    this.#put(run)
    this.#put(term + 1024 * commit)
    this.#put(votedFor < 0 ? votedFor : (newNames[votedFor] ?? NOBODY))
    this.#log(replica.log, permutation)
    this.#log(replica.durable, permutation)
    if (role === 'leader') {
      for (const id of oldNames) {
        const { run: of = 0, match = 0 } = replica.progress[id] ?? {}
        this.#put(of)
        this.#put(match)
      }
    }
    if (campaign === null) return
    this.#put(CAMPAIGNS.indexOf(campaign.kind))
    this.#put(campaign.pullingFrom < 0 ? -1 : (newNames[campaign.pullingFrom] ?? -1))
    for (const id of oldNames) {
      const vote = campaign.votes[id] ?? null
      this.#put(vote?.run ?? 0)
      if (vote !== null) this.#log(vote.log, permutation)
      this.#put(campaign.electors?.find((member) => member.id === id)?.run ?? 0)
    }
  }
}

export function describeState(state: State): string {
  const lines = state.replicas.map((replica, id) => {
    const { up, run, term, votedFor, role, hearsLeader, admitted, commit, log, durable, campaign } = replica
    const words = [
      `  ${id}.${run}`,
      up ? role : 'down',
      `term ${term}`,
      votedFor === NOBODY ? '' : `voted for ${votedFor === SOMEBODY ? 'somebody' : votedFor}`,
      admitted ? 'admitted' : '',
      hearsLeader ? 'hears the leader' : '',
      role === 'leader' ? `commit ${commit}` : '',
      role === 'leader'
        ? `match ${replica.progress.map(({ run: of, match }) => `${of}:${match}`).join(' ')}`
        : '',
      campaign === null ? '' : describeCampaign(campaign),
      `log ${describeLog(log)}`,
      durable === log ? '' : `disk ${describeLog(durable)}`,
    ]
    return words.filter((word) => word !== '').join(', ')
  })
  return [...lines, `  committed ${describeLog(state.committed)}`].join('\n')
}

function describeCampaign({ kind, votes, pullingFrom }: Campaign): string {
  const voters = votes.flatMap((vote, id) => (vote === null ? [] : [`${id}.${vote.run}`]))
  return `${kind} with the votes of ${voters.join(' ') || 'nobody'}${pullingFrom < 0 ? '' : `, pulling from ${pullingFrom}`}`
}

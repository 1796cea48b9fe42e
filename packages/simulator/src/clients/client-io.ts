import type { ReplicaId } from '@chatroom/election'
import { ReplicaError, type ReplicaErrorCode, type StateMachine } from '@chatroom/replica'
import type { Oracle } from '../invariants/oracle.ts'
import type { Random } from '../kernel/random.ts'
import type { Timeline } from '../kernel/timeline.ts'
import type { Trace } from '../kernel/trace.ts'
import type { Cluster, Program } from '../world/cluster.ts'

/** What becomes of one try. */
export type Answer<T> =
  | { readonly type: 'answer'; readonly value: T }
  /** Nothing was done. */
  | {
      readonly type: 'refused'
      readonly code: ReplicaErrorCode | 'no connection'
      readonly leader: ReplicaId | null
    }
  /** It may have taken effect, or may yet. */
  | { readonly type: 'unknown'; readonly why: string }

const certainlyNothing: ReadonlySet<ReplicaErrorCode> = new Set([
  'not leader',
  'not ready',
  'overloaded',
  'storage full',
])

/** One client of the cluster: a program on another host, with clocks and links of its own. */
export class ClientIo<Command, Reply, Machine extends StateMachine<Command, Reply>> {
  readonly id: number
  readonly random: Random
  /** The longest this client should think between two requests, milliseconds. */
  readonly thinkMs: number
  readonly #cluster: Cluster<Command, Reply, Machine>
  readonly #timeline: Timeline
  readonly #trace: Trace
  readonly #oracle: Oracle
  readonly #openCalls: Map<Program<Command, Reply, Machine>, Set<() => void>>
  readonly #lastArrival = new Map<ReplicaId, number>()
  /** How often it asks somebody else than the one it takes for the leader. */
  readonly #curiosity: number
  #leader: ReplicaId
  /** No more new things should be begun. */
  over = false

  /** @internal The simulator makes them. */
  constructor(options: {
    id: number
    random: Random
    cluster: Cluster<Command, Reply, Machine>
    timeline: Timeline
    trace: Trace
    oracle: Oracle
    thinkMs: number
    /** By program: what to call when it ends. */
    openCalls: Map<Program<Command, Reply, Machine>, Set<() => void>>
  }) {
    this.id = options.id
    this.random = options.random
    this.thinkMs = options.thinkMs
    this.#curiosity = options.random.pick([0.02, 0.1, 0.5])
    this.#cluster = options.cluster
    this.#timeline = options.timeline
    this.#trace = options.trace
    this.#oracle = options.oracle
    this.#openCalls = options.openCalls
    this.#leader = options.random.pick(options.cluster.hosts)?.id ?? 0
  }

  /** Whom it takes for the leader. */
  get leader(): ReplicaId {
    return this.#leader
  }

  get now(): number {
    return this.#timeline.now
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#timeline.after(ms, resolve)
    })
  }

  /** One try at one replica. */
  propose(to: ReplicaId, command: Command): Promise<Answer<Reply>> {
    return this.#call(to, async (program) => {
      const { reply, index, term } = await program.replica.propose(command)
      if (program.process.alive) this.#oracle.acknowledgedAt(program.process, index, term)
      return reply
    })
  }

  /** One try at one replica, of a read that sees everything acknowledged before it. */
  read<T>(to: ReplicaId, query: (machine: Machine) => T): Promise<Answer<T>> {
    const acknowledged = this.#oracle.acknowledged
    return this.#call(to, async (program) =>
      program.replica.read((machine) => {
        if (program.process.alive) this.#oracle.read(program.process, machine.appliedIndex, acknowledged)
        return query(machine.inner)
      }),
    )
  }

  /** Sleeps for a moment of random length. */
  think(): Promise<void> {
    return this.sleep(this.random.between(0, this.thinkMs))
  }

  /** Tries until it is answered, at whichever replica leads. Undefined: `patienceMs` is over, and the last tries may still take effect. */
  async persist<T>(
    attempt: (to: ReplicaId) => Promise<Answer<T>>,
    patienceMs: number,
  ): Promise<T | undefined> {
    const until = this.now + patienceMs
    // Not everybody knows at once who leads, and a replica may be wrong about itself.
    if (this.random.chance(this.#curiosity))
      this.#leader = this.random.pick(this.#cluster.hosts)?.id ?? this.#leader
    while (this.now < until) {
      const answer = await attempt(this.#leader)
      if (answer.type === 'answer') return answer.value
      if (answer.type === 'refused' && answer.leader !== null && answer.leader !== this.#leader)
        this.#leader = answer.leader
      else this.#leader = this.random.pick(this.#cluster.hosts)?.id ?? this.#leader
      await this.sleep(this.random.between(1, 60))
    }
    return undefined
  }

  #call<T>(
    to: ReplicaId,
    run: (program: Program<Command, Reply, Machine>) => Promise<T>,
  ): Promise<Answer<T>> {
    return new Promise((resolve) => {
      let answered = false
      const answer = (value: Answer<T>): void => {
        if (answered) return
        answered = true
        this.#timeline.cancel(timeout)
        this.#trace.note('client hears', -1, this.id, to, () => `c${this.id} from r${to}: ${describe(value)}`)
        resolve(value)
      }
      const later = (value: Answer<T>): void => {
        this.#timeline.after(this.#delay(), () => answer(value))
      }
      // Who gives up early moves on early, and finds what changed before others do.
      const timeoutMs = this.random.pick([60, 200, 800, 3_000])
      const timeout = this.#timeline.after(timeoutMs, () => answer({ type: 'unknown', why: 'timeout' }))
      this.#timeline.after(this.#arrival(to), () => {
        const program = this.#cluster.host(to).program
        if (program === null || !program.up)
          return later({ type: 'refused', code: 'no connection', leader: null })
        this.#whenItEnds(
          program,
          () => later({ type: 'unknown', why: 'connection lost' }),
          (closed) => {
            program.process.deliver(() => {
              run(program).then(
                (value) => {
                  if (!program.process.alive) return
                  closed()
                  later({ type: 'answer', value })
                },
                (error: unknown) => {
                  if (!program.process.alive) return
                  closed()
                  later(failure(error))
                },
              )
            })
          },
        )
      })
    })
  }

  #whenItEnds(
    program: Program<Command, Reply, Machine>,
    lost: () => void,
    go: (closed: () => void) => void,
  ): void {
    let calls = this.#openCalls.get(program)
    if (calls === undefined) {
      calls = new Set()
      this.#openCalls.set(program, calls)
    }
    calls.add(lost)
    go(() => calls.delete(lost))
  }

  /** Requests of one client to one replica arrive in the order in which they were made. */
  #arrival(to: ReplicaId): number {
    const at = Math.max(this.now + this.#delay(), this.#lastArrival.get(to) ?? 0)
    this.#lastArrival.set(to, at)
    return at - this.now
  }

  #delay(): number {
    return this.random.between(0.05, 2)
  }
}

function failure(error: unknown): Answer<never> {
  if (error instanceof ReplicaError) {
    if (certainlyNothing.has(error.code))
      return { type: 'refused', code: error.code, leader: error.leader?.id ?? null }
    return { type: 'unknown', why: error.code }
  }
  throw error
}

function describe(answer: Answer<unknown>): string {
  switch (answer.type) {
    case 'answer':
      return JSON.stringify(answer.value) ?? 'nothing'
    case 'refused':
      return `refused, ${answer.code}${answer.leader === null ? '' : `, leader r${answer.leader}`}`
    case 'unknown':
      return answer.why
  }
}

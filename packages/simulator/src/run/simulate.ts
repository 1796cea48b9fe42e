import type { ReplicaId } from '@chatroom/election'
import type { StateMachine } from '@chatroom/replica'
import { ClientIo } from '../clients/client-io.ts'
import { type Conditions, drawConditions } from '../faults/conditions.ts'
import type { Fault } from '../faults/fault.ts'
import { planFaults } from '../faults/plan.ts'
import type { Profile } from '../faults/profile.ts'
import { Trouble } from '../faults/trouble.ts'
import { Oracle } from '../invariants/oracle.ts'
import { type Violation, Violations } from '../invariants/violation.ts'
import { Random } from '../kernel/random.ts'
import { Timeline } from '../kernel/timeline.ts'
import { Trace } from '../kernel/trace.ts'
import type { Judge, Workload } from '../workloads/workload.ts'
import { Cluster, type Program } from '../world/cluster.ts'
import { forceRecovery } from './forced-recovery.ts'
import { tidyUp, whatIsWrong } from './health.ts'
import type { Recorded } from './recorded.ts'

export interface SimulationOptions<Command, Reply, Machine extends StateMachine<Command, Reply>> {
  readonly seed: number
  readonly profile: Profile
  readonly workload: Workload<Command, Reply, Machine>
  /** Only these faults of the schedule that the seed gives, by number. Default: all. */
  readonly keep?: ReadonlySet<number>
  /** Gets the trace as lines of text. */
  readonly print?: (line: string) => void
  /** Is told every step of every replica. */
  readonly record?: (recorded: Recorded) => void
}

export interface SimulationResult {
  readonly seed: number
  readonly violation: Violation | null
  /** Equal for two runs in which the same happened. */
  readonly traceHash: string
  readonly traceLength: number
  readonly virtualMs: number
  /** How many replicas the cluster began with. */
  readonly replicas: number
  readonly faults: readonly Fault[]
  readonly acknowledged: number
  /** How often each kind of thing happened. */
  readonly counts: ReadonlyMap<string, number>
}

/** How long after the last fault everything must be well again. */
const COME_BACK_MS = 30_000
const LOOK_EVERY_MS = 100
/** So many events without time going on: somebody answers somebody for ever. */
const MOST_EVENTS_AT_ONCE = 50_000
const EVENTS_PER_TURN = 1_000

/** One run: a whole cluster and its clients, from a seed. The same options give the same run, bit for bit. */
export async function simulate<Command, Reply, Machine extends StateMachine<Command, Reply>>(
  options: SimulationOptions<Command, Reply, Machine>,
): Promise<SimulationResult> {
  return new Simulation(options).run()
}

class Simulation<Command, Reply, Machine extends StateMachine<Command, Reply>> {
  readonly #options: SimulationOptions<Command, Reply, Machine>
  readonly #timeline = new Timeline()
  readonly #trace: Trace
  readonly #violations: Violations
  readonly #oracle: Oracle
  readonly #conditions: Conditions
  readonly #cluster: Cluster<Command, Reply, Machine>
  /** Clusters that an operator has founded. */
  #founded = 0
  /** With one of them something committed was lost: what clients were told before need not be true any more. */
  #lost = false
  readonly #openCalls = new Map<Program<Command, Reply, Machine>, Set<() => void>>()

  constructor(options: SimulationOptions<Command, Reply, Machine>) {
    this.#options = options
    const { seed, profile, workload } = options
    const now = (): number => this.#timeline.now
    this.#trace = new Trace(now, options.print ?? null)
    this.#violations = new Violations(now)
    this.#oracle = new Oracle(this.#violations, profile.mode)
    this.#conditions = drawConditions(profile, new Random(seed, 'conditions'))
    const { replicas } = this.#conditions
    const ids = Array.from({ length: replicas + profile.spares }, (_, id) => id)
    this.#cluster = new Cluster({
      seed,
      mode: profile.mode,
      members: ids.slice(0, replicas),
      spares: ids.slice(replicas),
      machine: () => workload.machine(),
      conditions: this.#conditions,
      fencer: profile.mode === 'fail-stop',
      timeline: this.#timeline,
      trace: this.#trace,
      violations: this.#violations,
      oracle: this.#oracle,
      record: options.record,
    })
    this.#cluster.haltAllowed = profile.haltAllowed
  }

  async run(): Promise<SimulationResult> {
    const { seed, profile, workload, keep } = this.#options
    const trouble = new Trouble(this.#cluster, this.#timeline, seed, this.#conditions.restartMs)
    this.#cluster.onEnd = (host) => {
      this.#loseCalls()
      trouble.supervise(host)
    }
    const faults = planFaults(profile, this.#conditions, new Random(seed, 'faults'))
    for (const fault of faults) {
      if (keep !== undefined && !keep.has(fault.number)) continue
      this.#timeline.after(fault.at, () => {
        this.#trace.note(
          `fault: ${fault.kind}`,
          -1,
          fault.number,
          0,
          () => `r${fault.replica} r${fault.other} ${Math.round(fault.ms)} ms`,
        )
        trouble.inject(fault)
      })
    }
    const starts = new Random(seed, 'starts')
    for (const { id } of this.#cluster.hosts)
      this.#timeline.after(starts.between(0, 300), () => this.#cluster.start(id))
    const judge = workload.begin()
    const clients = Array.from({ length: profile.clients }, (_, id) => this.#client(id))
    const lives = clients.map((io) => judge.client(io))
    await this.#play(this.#conditions.faultyMs)
    trouble.cease()
    this.#cluster.becomeFast()
    this.#trace.say(() => '---------- faults cease')
    for (const io of clients) io.over = true
    await this.#comeBack(Promise.all(lives))
    if (profile.mustComeBack && this.#violations.first === null) {
      await this.#confirm(clients.map((io) => judge.confirm(io)))
      if (this.#violations.first === null) await this.#comeBack(Promise.resolve())
      if (this.#violations.first === null) this.#compareStates()
    }
    if (profile.forcedRecovery === true && this.#violations.first === null)
      await this.#serveAtLast(clients, judge)
    // After a forced recovery something acknowledged may be gone: the operator was told.
    if (this.#violations.first === null && !this.#lost) {
      const words = judge.judge()
      if (words !== null) this.#violations.add('linearizable', words)
    }
    return {
      seed,
      violation: this.#violations.first,
      traceHash: this.#trace.hash,
      traceLength: this.#trace.length,
      virtualMs: this.#timeline.now,
      replicas: this.#conditions.replicas,
      faults,
      acknowledged: this.#oracle.acknowledged,
      counts: this.#trace.counts(),
    }
  }

  #client(id: number): ClientIo<Command, Reply, Machine> {
    return new ClientIo({
      id,
      random: new Random(this.#options.seed, `client ${id}`),
      cluster: this.#cluster,
      timeline: this.#timeline,
      trace: this.#trace,
      oracle: this.#oracle,
      thinkMs: this.#conditions.thinkMs,
      openCalls: this.#openCalls,
    })
  }

  /** Lets virtual time pass. Between two events everything that promises have to do is done. */
  async #play(until: number): Promise<void> {
    await this.#pass(until)
    while (this.#cluster.recovery !== null && this.#violations.first === null) {
      const { without } = this.#cluster.recovery
      this.#cluster.recovery = null
      await this.#forceRecovery(without)
      await this.#pass(until)
    }
  }

  #pass(until: number): Promise<void> {
    let since = this.#timeline.now
    let events = 0
    return whenSettledRepeat(() => {
      if (events >= MOST_EVENTS_AT_ONCE) {
        if (this.#timeline.now - since < 100)
          this.#violations.add('comes to rest', `${events} events within ${this.#timeline.now - since} ms`)
        since = this.#timeline.now
        events = 0
      }
      events++
      if (this.#violations.first !== null || this.#cluster.recovery !== null) return false
      return this.#timeline.runNext(until)
    })
  }

  async #comeBack(lives: Promise<unknown>, mustComeBack = this.#options.profile.mustComeBack): Promise<void> {
    const { operator } = this.#options.profile
    let alive = true
    const over = lives.then(() => {
      alive = false
    })
    const until = this.#timeline.now + COME_BACK_MS
    while (this.#violations.first === null && (alive || this.#whatIsWrong() !== null)) {
      if (this.#timeline.now >= until) {
        if (mustComeBack)
          this.#violations.add('comes back when faults cease', this.#whatIsWrong() ?? 'clients wait')
        return
      }
      if (operator) tidyUp(this.#cluster)
      await this.#play(this.#timeline.now + LOOK_EVERY_MS)
    }
    void over
  }

  /** Beyond its claims a mode may stop. Where it has, an operator sees to it that it goes on; then it serves: those who were there before, if nothing was lost, or new ones. */
  async #serveAtLast(
    clients: readonly ClientIo<Command, Reply, Machine>[],
    judge: Judge<Command, Reply, Machine>,
  ): Promise<void> {
    if (this.#whatIsWrong() !== null) {
      if (!(await this.#forceRecovery(null))) return
      await this.#comeBack(Promise.resolve(), true)
    }
    if (this.#violations.first !== null) return
    const others = clients.map(({ id }) => this.#client(clients.length + id))
    const serves = this.#lost ? this.#options.workload.begin() : judge
    await this.#confirm((this.#lost ? others : clients).map((io) => serves.confirm(io)))
    if (this.#violations.first === null) await this.#comeBack(Promise.resolve(), true)
    if (this.#violations.first === null) this.#compareStates()
  }

  /** False: there is nothing to recover from. */
  async #forceRecovery(without: ReplicaId | null): Promise<boolean> {
    const committed = this.#oracle.newestCommitted
    const recovery = await forceRecovery(this.#cluster, `recovered ${++this.#founded}`, without)
    if (recovery === null) return false
    const { founder, last, log } = recovery
    this.#lost ||= !log.holds(committed.index, committed.term)
    this.#oracle.newCluster()
    this.#trace.note(
      'operator forces recovery',
      founder,
      last.index,
      last.term,
      () => `from ${last.index} of term ${last.term}`,
    )
    if (this.#lost) this.#trace.note('something committed is lost', founder)
    return true
  }

  async #confirm(confirmations: readonly Promise<string | null>[]): Promise<void> {
    const answers: (string | null)[] = []
    for (const confirmation of confirmations) void confirmation.then((answer) => answers.push(answer))
    const until = this.#timeline.now + COME_BACK_MS * 2
    while (
      answers.length < confirmations.length &&
      this.#violations.first === null &&
      this.#timeline.now < until
    )
      await this.#play(this.#timeline.now + LOOK_EVERY_MS)
    if (answers.length < confirmations.length)
      this.#violations.add('serves when faults cease', 'clients get no answer')
    for (const problem of answers)
      if (problem !== null) this.#violations.add('serves when faults cease', problem)
  }

  #whatIsWrong(): string | null {
    const { mode, operator } = this.#options.profile
    return whatIsWrong(this.#cluster, mode === 'fail-stop' || operator)
  }

  #compareStates(): void {
    const programs = this.#cluster.programs()
    const first = programs.find(({ replica }) => replica.status().serving)
    if (first === undefined) return
    const others = programs.filter((program) => program !== first)
    const hash = first.machine.hash()
    const { commitIndex } = first.replica.status()
    for (const { machine, replica } of others) {
      // One that was removed may lag behind for ever.
      if (replica.status().appliedIndex !== commitIndex) continue
      if (machine.hash() !== hash)
        this.#violations.add(
          'equal states',
          `r${replica.id} and r${first.replica.id} have applied the same and differ`,
        )
    }
    if (first.replica.status().appliedIndex < this.#oracle.acknowledged)
      this.#violations.add(
        'nothing acknowledged is lost',
        `entry ${this.#oracle.acknowledged} was acknowledged and is not there`,
      )
  }

  #loseCalls(): void {
    for (const [program, calls] of this.#openCalls) {
      if (program.process.alive) continue
      this.#openCalls.delete(program)
      for (const lost of calls) lost()
    }
  }
}

const done = Promise.resolve()

/**
 * Calls `work` until it returns false, each time when no promise has anything left to do: Node runs every microtask, and those that they cause, before the next
 * tick, but not between two ticks that wait already. So each tick is asked for by a microtask. Now and then the rest of the program has its turn: whoever
 * runs this may have timers.
 */
function whenSettledRepeat(work: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let calls = 0
    const again = (): void => {
      try {
        if (!work()) return resolve()
      } catch (error) {
        return reject(error instanceof Error ? error : new Error(String(error)))
      }
      void done.then(++calls % EVENTS_PER_TURN === 0 ? nextTurn : nextTick)
    }
    const nextTick = (): void => process.nextTick(again)
    const nextTurn = (): void => void setImmediate(again)
    // Whoever asks for this may just have set something going.
    void done.then(nextTick)
  })
}

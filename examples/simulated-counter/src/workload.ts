import {
  type ClientIo,
  checkLinearizable,
  History,
  type Judge,
  type SequentialModel,
  type Workload,
} from '@chatroom/simulator'
import { type Command, type CounterMachine, createCounter } from './counter.ts'

interface Reply {
  readonly total: number
}
type Io = ClientIo<Command, Reply, CounterMachine>

/** What the counter would be if it were one number in one place. `add` 0: a read. */
const model: SequentialModel<number, { readonly add: number }, number> = {
  initial: 0,
  step: (total, { add }, told) => (told === undefined || told === total + add ? total + add : null),
  key: String,
}

/** Clients that add to a counter and read it, and a judge who knows only what they were told. */
export function counterWorkload(options: {
  readonly remembers: boolean
}): Workload<Command, Reply, CounterMachine> {
  return {
    name: 'counter',
    machine: () => createCounter(options),
    begin: () => new CounterJudge(),
  }
}

class CounterJudge implements Judge<Command, Reply, CounterMachine> {
  readonly #history = new History<{ readonly add: number }, number>()
  readonly #requests = new Map<number, number>()

  async client(io: Io): Promise<void> {
    while (!io.over) {
      await io.sleep(io.random.between(0, 400))
      if (io.random.chance(0.3)) await this.#read(io, 4_000)
      else await this.#add(io, 4_000)
    }
  }

  async confirm(io: Io): Promise<string | null> {
    if (!(await this.#add(io, 10_000))) return `client ${io.id} cannot add`
    return (await this.#read(io, 10_000)) ? null : `client ${io.id} cannot read`
  }

  judge(): string | null {
    const verdict = checkLinearizable(model, this.#history.operations)
    return verdict.linearizable ? null : `no order explains it: ${verdict.stuckAt}`
  }

  async #add(io: Io, patienceMs: number): Promise<boolean> {
    const request = (this.#requests.get(io.id) ?? 0) + 1
    this.#requests.set(io.id, request)
    // Powers of 10 show in a total who was counted how often.
    const add = 10 ** io.id
    const operation = this.#history.begin(io.id, { add })
    const command = { client: io.id, request, add }
    const reply = await io.persist((to) => io.propose(to, command), patienceMs)
    if (reply !== undefined) this.#history.end(operation, reply.total)
    return reply !== undefined
  }

  async #read(io: Io, patienceMs: number): Promise<boolean> {
    const operation = this.#history.begin(io.id, { add: 0 })
    const total = await io.persist((to) => io.read(to, (machine) => machine.state.total), patienceMs)
    if (total === undefined) this.#history.forget(operation)
    else this.#history.end(operation, total)
    return total !== undefined
  }
}

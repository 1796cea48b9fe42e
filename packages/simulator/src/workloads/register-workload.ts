import type { ClientIo } from '../clients/client-io.ts'
import { History } from '../history/history.ts'
import { checkLinearizable, type SequentialModel } from '../history/linearizability.ts'
import { type RegisterCommand, RegisterMachine, type RegisterReply } from './register-machine.ts'
import type { Judge, Workload } from './workload.ts'

interface Input {
  readonly register: string
  /** Undefined: a read. */
  readonly append?: string
}

const registers = ['a', 'b', 'c'] as const

const model: SequentialModel<string, Input, string> = {
  initial: '',
  step(state, { append = '' }, told) {
    const next = state + append
    return told === undefined || told === next ? next : null
  },
  key: (state) => state,
}

/** Clients that append to registers and read them. Each register has to be linearizable by itself, and then all are together (Herlihy and Wing 1990). */
export const registerWorkload: Workload<RegisterCommand, RegisterReply, RegisterMachine> = {
  name: 'registers',
  machine: () => new RegisterMachine(),
  begin: () => new RegisterJudge(),
}

type Io = ClientIo<RegisterCommand, RegisterReply, RegisterMachine>

class RegisterJudge implements Judge<RegisterCommand, RegisterReply, RegisterMachine> {
  readonly #history = new History<Input, string>()
  readonly #requests = new Map<number, number>()

  async client(io: Io): Promise<void> {
    // Who only reads stays with a leader that was cut off; who writes has moved on by then.
    const reads = io.random.pick([0.1, 0.4, 0.95])
    while (!io.over) {
      await io.think()
      if (io.random.chance(reads)) await this.#read(io, io.random.pick(registers), 4_000)
      else await this.#append(io, io.random.pick(registers), 4_000)
    }
  }

  async confirm(io: Io): Promise<string | null> {
    for (const register of registers) {
      if (!(await this.#append(io, register, 10_000))) return `client ${io.id} cannot append to ${register}`
      if (!(await this.#read(io, register, 10_000))) return `client ${io.id} cannot read ${register}`
    }
    return null
  }

  judge(): string | null {
    const seen = this.#history.operations.map(({ output = '' }) => output).join(' ')
    // What was not answered and is in nothing that anybody saw did not happen, or after all that was seen: the search need not try it everywhere.
    const judged = this.#history.operations.filter(
      ({ ended, input: { append = '' } }) => ended !== Number.POSITIVE_INFINITY || seen.includes(append),
    )
    for (const register of registers) {
      const operations = judged.filter((operation) => operation.input.register === register)
      const verdict = checkLinearizable(model, operations)
      if (!verdict.linearizable)
        return `register ${register}: no order explains it; after ${verdict.explained} of ${operations.length} operations: ${verdict.stuckAt}`
    }
    return null
  }

  async #append(io: Io, register: string, patienceMs: number): Promise<boolean> {
    const request = (this.#requests.get(io.id) ?? 0) + 1
    this.#requests.set(io.id, request)
    const append = `${io.id}.${request} `
    const operation = this.#history.begin(io.id, { register, append })
    const command = { client: io.id, request, register, append }
    const reply = await io.persist((to) => io.propose(to, command), patienceMs)
    if (reply?.text === undefined) return false
    this.#history.end(operation, reply.text)
    return true
  }

  async #read(io: Io, register: string, patienceMs: number): Promise<boolean> {
    const operation = this.#history.begin(io.id, { register })
    const text = await io.persist((to) => io.read(to, (machine) => machine.read(register)), patienceMs)
    if (text === undefined) {
      this.#history.forget(operation)
      return false
    }
    this.#history.end(operation, text)
    return true
  }
}

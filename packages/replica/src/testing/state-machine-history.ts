import { AssertionError } from 'node:assert/strict'
import { applyPayload, type EntryContext, type StateMachine } from '../ports/state-machine.ts'
import { inWords } from './difference.ts'

/** What the suite plays with. */
export interface StateMachineSubject<Command, Reply> {
  /** A new state machine to which nothing was applied. */
  create(): StateMachine<Command, Reply>
  /**
   * A history, in the order of the log. The suite sees only what these commands reach: use every kind of command, several on the same things, refused ones too,
   * and at least some that make state which is removed again.
   */
  readonly commands: readonly Command[]
  /** Place and time of the command at that position, for commands that refer to indexes or wait for times. Default: index position + 1, a second apart. */
  at?(position: number): EntryContext
}

/** One promise of the StateMachine port. */
export interface StateMachineCase {
  readonly name: string
  /** Throws an `AssertionError` that says which command broke which promise, and what to do. */
  readonly run: <Command, Reply>(subject: StateMachineSubject<Command, Reply>) => void
}

export function fail(message: string): never {
  throw new AssertionError({ message, stackStartFn: fail })
}

/** A subject with what every case does to it. */
export class History<Command, Reply> {
  readonly length: number
  readonly #subject: StateMachineSubject<Command, Reply>

  constructor(subject: StateMachineSubject<Command, Reply>) {
    this.#subject = subject
    this.length = subject.commands.length
    if (this.length < 2)
      fail(`The history has ${this.length} commands: give at least 2, better some dozens of every kind.`)
  }

  create(): StateMachine<Command, Reply> {
    return this.#subject.create()
  }

  command(position: number): Command {
    const command = this.#subject.commands[position]
    if (command === undefined) fail(`The history has an empty place at ${position}.`)
    return command
  }

  /** `command 3 ({"type":"put"})` */
  name(position: number): string {
    return `command ${position} (${inWords(this.command(position))})`
  }

  /** Applies one command as a replica does: through its bytes. */
  apply(machine: StateMachine<Command, Reply>, position: number): Reply {
    return this.applyDecoded(machine, position, machine.decode(machine.encode(this.command(position))))
  }

  applyDecoded(machine: StateMachine<Command, Reply>, position: number, command: Command): Reply {
    const reply = this.#applied(machine, position, command)
    if (typeof reply === 'object' && reply !== null && 'then' in reply) {
      fail(
        `apply answered ${this.name(position)} with a promise. The next command is applied at once, so what is awaited happens in an order that differs between replicas: do everything before apply returns.`,
      )
    }
    return reply
  }

  /** By the way of its bytes alone. */
  applyEncoded(machine: StateMachine<Command, Reply>, position: number): Reply {
    return applyPayload(machine, machine.encode(this.command(position)), this.#place(position))
  }

  /** The replies to the commands from `from` up to, and without, `to`. */
  play(machine: StateMachine<Command, Reply>, from = 0, to: number = this.length): Reply[] {
    return Array.from({ length: to - from }, (_, offset) => this.apply(machine, from + offset))
  }

  /** A machine after so many commands. */
  after(commands: number): StateMachine<Command, Reply> {
    const machine = this.create()
    this.play(machine, 0, commands)
    return machine
  }

  /** Some numbers of commands from 0 to all, both included. */
  cuts(atMost = 24): number[] {
    const count = Math.min(atMost, this.length + 1)
    const cuts = Array.from({ length: count }, (_, i) => Math.round((i * this.length) / (count - 1)))
    return [...new Set(cuts)]
  }

  #applied(machine: StateMachine<Command, Reply>, position: number, command: Command): Reply {
    try {
      return machine.apply(command, this.#place(position))
    } catch (error) {
      throw new AssertionError({
        message: `apply threw on ${this.name(position)}: ${String(error)}. A replica whose apply throws stops, and so do all others at the same entry: answer with a reply that refuses the command.`,
      })
    }
  }

  #place(position: number): EntryContext {
    return (
      this.#subject.at?.(position) ?? {
        index: position + 1,
        term: 1,
        time: 1_700_000_000_000 + position * 1_000,
      }
    )
  }
}

import type { Codec } from './codec.ts'
import type { EntryContext, SnapshotSink, StateMachine } from './ports/state-machine.ts'

/** A state machine as its user thinks of it: a state, and what a command does to it. */
export interface StateMachineDefinition<State, Command, Reply> {
  /** Counts up when there is something new that the version before could not do alike; see `StateMachine.version`. Default 1. */
  readonly version?: number
  /** The earliest version that applies this command as this one does. Default: 1 for all. */
  neededVersion?(command: Command): number
  readonly command: Codec<Command>
  /** For snapshots. The same state gives the same bytes on every replica: sort what has no order of its own. */
  readonly state: Codec<State>
  /** The state before the first command. */
  initial(): State
  /** Changes `state` in place and answers. A function of its arguments alone, and throws for nothing that a client can ask; see `StateMachine.apply`. */
  apply(state: State, command: Command, at: EntryContext): Reply
}

export interface DefinedStateMachine<State, Command, Reply> extends StateMachine<Command, Reply> {
  /** The present state. Only `apply` may change it. */
  readonly state: State
}

/** Snapshots go in chunks of at most so many bytes. */
const chunkBytes = 256 * 1024

/**
 * Makes a `StateMachine` whose snapshots and hashes come from one codec of the whole state. The state is encoded in one go, during which the replica does
 * nothing else: meant for states of up to some 10 MB. Beyond that implement `StateMachine` itself, with a snapshot that is made chunk by chunk.
 */
export function defineStateMachine<State, Command, Reply>(
  definition: StateMachineDefinition<State, Command, Reply>,
): DefinedStateMachine<State, Command, Reply> {
  return new WholeState(definition)
}

class WholeState<State, Command, Reply> implements DefinedStateMachine<State, Command, Reply> {
  readonly version: number
  readonly #definition: StateMachineDefinition<State, Command, Reply>
  #state: State

  constructor(definition: StateMachineDefinition<State, Command, Reply>) {
    this.version = definition.version ?? 1
    this.#definition = definition
    this.#state = definition.initial()
  }

  get state(): State {
    return this.#state
  }

  encode(command: Command): Uint8Array {
    return this.#definition.command.encode(command)
  }

  decode(payload: Uint8Array): Command {
    return this.#definition.command.decode(payload)
  }

  neededVersion(command: Command): number {
    return this.#definition.neededVersion?.(command) ?? 1
  }

  apply(command: Command, at: EntryContext): Reply {
    return this.#definition.apply(this.#state, command, at)
  }

  snapshot(): IterableIterator<Uint8Array> {
    return chunksOf(this.#definition.state.encode(this.#state))
  }

  restore(): SnapshotSink {
    const chunks: Uint8Array[] = []
    return {
      write: (chunk) => void chunks.push(new Uint8Array(chunk)),
      finish: () => {
        this.#state = this.#definition.state.decode(joined(chunks))
      },
    }
  }

  hash(): string {
    return hashOf(this.#definition.state.encode(this.#state))
  }
}

function* chunksOf(bytes: Uint8Array): Generator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}

/** 16 hexadecimal digits: FNV-1a (Fowler, Noll, Vo) of 32 bits, forwards and backwards. Finds replicas that differ by accident; it is no protection against intent. */
function hashOf(bytes: Uint8Array): string {
  let [forwards, backwards] = [0x811c9dc5, 0x811c9dc5]
  for (let i = 0; i < bytes.length; i++) {
    forwards = Math.imul(forwards ^ (bytes[i] ?? 0), 0x01000193)
    backwards = Math.imul(backwards ^ (bytes[bytes.length - 1 - i] ?? 0), 0x01000193)
  }
  return [forwards, backwards].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
}

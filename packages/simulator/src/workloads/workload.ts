import type { StateMachine } from '@chatroom/replica'
import type { ClientIo } from '../clients/client-io.ts'

/** What a user of the simulator brings: a state machine, and clients that use it and remember what they saw. */
export interface Workload<Command, Reply, Machine extends StateMachine<Command, Reply>> {
  readonly name: string
  /** A fresh state machine, for each run of each replica. */
  machine(): Machine
  /** Forgets what earlier runs saw; called once at the beginning of each. */
  begin(): Judge<Command, Reply, Machine>
}

export interface Judge<Command, Reply, Machine extends StateMachine<Command, Reply>> {
  /** What one client does, until `io.over`. */
  client(io: ClientIo<Command, Reply, Machine>): Promise<void>
  /** After the faults: something that must succeed now. Says why it did not, or null. */
  confirm(io: ClientIo<Command, Reply, Machine>): Promise<string | null>
  /** Whether all that the clients were told can be true; says why not, or null. */
  judge(): string | null
}

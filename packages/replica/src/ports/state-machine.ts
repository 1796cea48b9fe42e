/** Where an entry stands and when the leader took it. The only clock a state machine may read is `time`. */
export interface EntryContext {
  readonly index: number
  readonly term: number
  /** Milliseconds since 1970, never decreasing from entry to entry. */
  readonly time: number
}

/** Takes a snapshot in, chunk by chunk; the state machine changes only at `finish`. */
export interface SnapshotSink {
  write(chunk: Uint8Array): void
  finish(): void
}

/**
 * What is replicated. `apply` must be a function of the state and its arguments alone: no clock, no random number, no I/O, no iteration order that
 * depends on anything else. It never throws for bad input (it answers with a reply that says so); if it throws, the replica stops.
 */
export interface StateMachine<Command, Reply> {
  /**
   * Counts up, from 1, when there is something new that the version before could not do alike: a command, a field of one, another effect. Replicas tell each other, and
   * `status().commonVersion` is what all of them have.
   *
   * `apply` never changes what a command does that an earlier version has applied: the new meaning is a new command, or a field of it, and `neededVersion` says so.
   */
  readonly version: number
  /**
   * The earliest version that applies this command as this one does; from 1 to `version`. While a replica has an earlier one, such a command is refused, with 'unsupported version'.
   * Absent: 1 for all commands.
   */
  neededVersion?(command: Command): number
  encode(command: Command): Uint8Array
  /** Throws if the bytes are no command: the replica stops. */
  decode(payload: Uint8Array): Command
  apply(command: Command, at: EntryContext): Reply
  /**
   * `apply(decode(payload), at)` in one go, for a machine that needs no command in between. Absent: a replica calls the two. It has to do the very same: what one replica applies this way,
   * another one may apply the other way.
   */
  applyEncoded?(payload: Uint8Array, at: EntryContext): Reply
  /**
   * The state as of this call, in chunks of at most 256 KiB. The caller takes a chunk, lets other work (further `apply` calls included) go on, and
   * takes the next: the chunks still describe the state as of the call. One at a time; `return()` gives up.
   */
  snapshot(): IterableIterator<Uint8Array>
  /** Begins to take in a snapshot. */
  restore(): SnapshotSink
  /** Same state, same text, on every replica: to compare replicas. May be slow. */
  hash(): string
}

/** Applies an entry the shortest way that the machine knows. */
export function applyPayload<Command, Reply>(
  machine: StateMachine<Command, Reply>,
  payload: Uint8Array,
  at: EntryContext,
): Reply {
  if (machine.applyEncoded !== undefined) return machine.applyEncoded(payload, at)
  return machine.apply(machine.decode(payload), at)
}

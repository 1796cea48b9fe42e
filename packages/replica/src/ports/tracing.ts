/** What a followed command goes through inside replicas. A leader has all of them, a follower `append` and `fsync`. */
export type ReplicaStage =
  /** From the call that proposes it until it stands in the leader's log: it waits for the others of its turn. */
  | 'propose'
  /** On the leader: from standing in its log until committed. What the disks do meanwhile is part of it. */
  | 'commit'
  /** From standing in a replica's log until that replica's disk has it: it may wait for the write under way. */
  | 'append'
  /** The write that makes it durable. */
  | 'fsync'
  /** On the leader: from committed until applied. */
  | 'apply'

/** A stage that has begun. */
export interface OpenStage {
  /** What names this stage to others, also to other replicas. Nothing here looks into it; for OpenTelemetry a W3C `traceparent`. */
  readonly context: string
  /** Ends it. `failure`: a word of a closed list that says why it came to nothing. */
  end(failure?: string): void
}

/**
 * Follows single commands, for traces. Called in the middle of the work: a method must return at once and must not throw. Numbers are all that a stage can tell
 * besides its name, so that nothing a user wrote can get into a trace.
 */
export interface Tracing<Stage extends string = ReplicaStage> {
  /** `within`: the `context` of what this stage is part of, as the caller or another replica gave it; it may be any text. */
  begin(stage: Stage, within: string, numbers?: Readonly<Record<string, number>>): OpenStage
}

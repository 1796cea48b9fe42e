/** Every bound and every time of a replica, in one place. Times in milliseconds, sizes in bytes (by `entryBytes`). */
export interface Limits {
  /** A leader speaks to every peer at least so often. */
  readonly heartbeatMs: number
  /** Majority: a follower that heard no leader for this long, plus up to as much again at random, asks for votes. */
  readonly electionTimeoutMs: number
  /** Fail-stop: a member that was silent for so long is fenced. */
  readonly fenceAfterMs: number
  /** A replica between two of whose events so much time passed distrusts what it believed about others (rule 8). */
  readonly stallMs: number
  /** The lowest surviving id stands first, each next one so much later. */
  readonly standStaggerMs: number
  /** An election that is not decided after so long begins anew. */
  readonly campaignMs: number
  /** Entries in one `append` message: at most so many bytes. */
  readonly appendBytes: number
  /** `append` messages with entries under way to one peer. */
  readonly inflightMessages: number
  /** Bytes under way to one peer. */
  readonly inflightBytes: number
  /** Entries kept in memory for replicas that lack them, behind the applied ones. */
  readonly cacheBytes: number
  /** Entries kept in memory that no replica is known to lack, behind the applied ones. */
  readonly recentBytes: number
  /** Bytes of proposals that are not committed yet; more are refused as overloaded. */
  readonly uncommittedBytes: number
  /**
   * While at least so many commands are in the log and not applied yet, those that come gather until these are, and enter the log together: a batch costs every replica more than a
   * command does.
   */
  readonly gatherBeyond: number
  /** But they wait no longer than this, which is little of what a batch takes between places far from each other. */
  readonly gatherMs: number
  /** Reads that wait for their round; more are refused as overloaded. */
  readonly pendingReads: number
  /** A returnee is named by the view, and a learner may be promoted, when its log lacks at most so many entries. */
  readonly joinLagEntries: number
  /**
   * Fail-stop: and when it had within so many milliseconds what the log held, so that nobody waits for it once it counts. One that does not get so near in `joinRounds` tries is
   * named all the same.
   */
  readonly joinRoundMs: number
  readonly joinRounds: number
  /** To a replica that lacks more than `joinLagEntries` entries that are committed without it: one message at a time, of at most so many bytes, so that it takes little from those that count. */
  readonly catchUpBytes: number
  /** Entries kept behind a snapshot, so that a follower that is a little late needs no snapshot. */
  readonly compactMarginEntries: number
  /** A part of a snapshot that is not answered after so long is sent again. */
  readonly snapshotRetryMs: number
  /** A leadership transfer that did not happen by then is given up. */
  readonly transferMs: number
  /** Own commands that are followed for traces at once, and as many writes to the disk; one more is not followed. */
  readonly followedCommands: number
  /** A replica that leaves waits so long for the others to say that they know. */
  readonly leaveMs: number
  /**
   * Majority: answer reads from a lease instead of a round of messages. Safe only if no two clocks differ in rate by more than this fraction
   * (0.1: a tenth) and no process is stopped between reading its clock and answering; 0 switches leases off, which is the default. With leases nobody
   * is elected before an election timeout has passed since the leader was heard, not even when a connect is refused.
   */
  readonly leaseClockDrift: number
}

export const defaultLimits: Limits = {
  heartbeatMs: 50,
  electionTimeoutMs: 300,
  fenceAfterMs: 1_000,
  stallMs: 400,
  standStaggerMs: 60,
  campaignMs: 500,
  appendBytes: 512 * 1024,
  inflightMessages: 4,
  inflightBytes: 4 * 1024 * 1024,
  cacheBytes: 8 * 1024 * 1024,
  recentBytes: 256 * 1024,
  uncommittedBytes: 64 * 1024 * 1024,
  gatherBeyond: 24,
  gatherMs: 2,
  pendingReads: 10_000,
  joinLagEntries: 1_000,
  joinRoundMs: 30,
  joinRounds: 100,
  catchUpBytes: 128 * 1024,
  compactMarginEntries: 10_000,
  snapshotRetryMs: 1_000,
  transferMs: 2_000,
  followedCommands: 1_024,
  leaveMs: 1_000,
  leaseClockDrift: 0,
}

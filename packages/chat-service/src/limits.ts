/** Every bound of the chat service on one replica. Replicated bounds (names, texts, mailboxes) are the state machine's. */
export interface ServiceLimits {
  /** Requests of one session that may be under way on this replica; a stream waits, a single call is refused. */
  readonly requestsInFlightPerSession: number
  /** Proposals of all sessions under way on this replica. */
  readonly requestsInFlight: number
  /** Bytes of text in all proposals under way on this replica. */
  readonly bytesInFlight: number
  /** `SendMessages` streams one session may hold open. */
  readonly sendStreamsPerSession: number
  /** `SendMessages` streams on this replica. */
  readonly sendStreams: number
  /** `Subscribe` streams one session may hold open. */
  readonly subscriptionsPerSession: number
  /** `Subscribe` streams on this replica. */
  readonly subscriptions: number
  /** Messages a subscription takes out of a mailbox at once. */
  readonly deliveryBatchMessages: number
  /** Bytes of text a subscription takes out of a mailbox at once; one message may exceed it. */
  readonly deliveryBatchBytes: number
  /** Password hashes computed at once, and never more than half of the processors. Each occupies a thread of libuv's pool (4), which the disk needs too. */
  readonly hashesAtOnce: number
  /** Password hashes that may wait for their turn. */
  readonly hashesWaiting: number
  /** Names on one page of a list. */
  readonly listPage: number
  /** Idle timeout of a session that asked for none, milliseconds. */
  readonly idleTimeoutDefaultMs: number
  /** Longest idle timeout granted, milliseconds. */
  readonly idleTimeoutMaximumMs: number
  /** Age at which a session ends however active it is, milliseconds; 0: never. */
  readonly sessionLifetimeMs: number
  /** How often the leader looks whether a session's time has come, milliseconds. */
  readonly housekeepingIntervalMs: number
  /** Failed attempts to log in to one account in a minute; 0: no limit. */
  readonly loginAttemptsPerAccount: number
  /** The same from one address. */
  readonly loginAttemptsPerAddress: number
  /** Messages that one account may send in a second; 0: no limit. */
  readonly sendsPerSecond: number
  /** Accounts, and addresses, of which it is remembered what they did lately. */
  readonly limiterKeys: number
  /** A stream whose reader takes nothing for so long, while something waits for it, is ended and its connection broken; milliseconds. */
  readonly slowReaderMs: number
  /** What a refusal for too much in flight tells the client to wait, milliseconds. */
  readonly retryAfterMs: number
  /** The longest that it tells, when many are refused; milliseconds. */
  readonly retryAfterLongestMs: number
  /** So many of those who are refused are told to come again in the next second; of those after them half as many a second later, a third two seconds later, and so on. */
  readonly retriesPerSecond: number
}

export const defaultLimits: ServiceLimits = {
  requestsInFlightPerSession: 1_024,
  requestsInFlight: 16_384,
  bytesInFlight: 32 * 1_024 * 1_024,
  sendStreamsPerSession: 16,
  sendStreams: 20_000,
  subscriptionsPerSession: 16,
  subscriptions: 50_000,
  deliveryBatchMessages: 64,
  deliveryBatchBytes: 256 * 1_024,
  hashesAtOnce: 2,
  hashesWaiting: 1_024,
  listPage: 1_000,
  idleTimeoutDefaultMs: 60_000,
  idleTimeoutMaximumMs: 24 * 60 * 60 * 1_000,
  sessionLifetimeMs: 30 * 24 * 60 * 60 * 1_000,
  housekeepingIntervalMs: 250,
  loginAttemptsPerAccount: 10,
  loginAttemptsPerAddress: 60,
  sendsPerSecond: 10_000,
  limiterKeys: 50_000,
  slowReaderMs: 60_000,
  retryAfterMs: 50,
  retryAfterLongestMs: 10_000,
  retriesPerSecond: 1_000,
}

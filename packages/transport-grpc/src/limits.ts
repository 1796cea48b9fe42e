/** Every bound and every time of the links between replicas. Times in milliseconds, sizes in bytes. */
export interface TransportLimits {
  /** An attempt that is not answered with a hello by then is given up, and the next one begins. */
  readonly answerMs: number
  /** The first pause between attempts that fail; each further one is twice as long. A link that breaks is dialled again without a pause. */
  readonly firstPauseMs: number
  /** No pause is longer. */
  readonly longestPauseMs: number
  /** Links that break sooner than this are dialled again with growing pauses too, from the fourth in a row on, or two replicas that cannot get on would dial each other without end. */
  readonly steadyMs: number
  /** How often the other end of an open link is asked for a sign of life. */
  readonly pingMs: number
  /** A link whose other end gave none for so long breaks: the path may be dead without either host knowing. Proves nothing about the other replica. */
  readonly silentMs: number
  /** Messages are put together into frames of about this size. */
  readonly frameBytes: number
  /** What may wait for one peer. A message beyond it breaks the link. Also the longest message, so equal on all replicas. */
  readonly queueBytes: number
  /** Connections to the peer port that have not said who they are, of all together; one more takes the place of the oldest from the address that has most. */
  readonly strangers: number
  /** Connections to the peer port that may carry calls and carry no link of a replica (`chatctl`, repairs); so many, as with `strangers`. Links are not bounded by any of the two. */
  readonly guests: number
}

export const defaultTransportLimits: TransportLimits = {
  answerMs: 1_000,
  firstPauseMs: 2,
  longestPauseMs: 500,
  steadyMs: 1_000,
  pingMs: 1_000,
  silentMs: 3_000,
  frameBytes: 1024 * 1024,
  queueBytes: 16 * 1024 * 1024,
  strangers: 256,
  guests: 256,
}

import type { ReplicaId } from '@chatroom/election'
import { commonLength, type Log } from '@chatroom/model'
import type { HardState, Position } from '@chatroom/replication-log'
import type { Observed } from './observed.ts'

/** One mode's model as the replay needs it. Everything answers null, or why the model does not allow it. */
export interface Rules {
  /** A process ended; its disk has what the model says it has. */
  crash(id: ReplicaId): string | null
  restart(id: ReplicaId): string | null
  /** The disk has the log up to here. */
  flush(id: ReplicaId, upTo: number): string | null
  take(id: ReplicaId, observed: Observed): string | null
  /** Whether this is what the model has: in memory, or on disk if the process has ended. */
  compare(id: ReplicaId, is: { readonly term: number; readonly last: Position }): string | null
  compareVote(id: ReplicaId, hardState: HardState): string | null
  /** What the state that the model is in breaks. */
  broken(): string | null
  describe(): string
}

/** What both models have of a replica. */
interface Expected {
  readonly term: number
  readonly role: string
  readonly votedFor: number
  readonly log: Log
  /** What is on its disk. */
  readonly durable: Log
}

/** How far this flush brings the disk; null: not beyond what it has. */
export function flushedTo({ log, durable }: Expected, upTo: number): number | null {
  const to = Math.min(upTo, log.length)
  return to <= commonLength(log, durable) ? null : to
}

export function compareWith(
  { term: expected, log }: Expected,
  { term, last }: { readonly term: number; readonly last: Position },
): string | null {
  if (term === expected && last.index === log.length && last.term === log.term) return null
  return `is in term ${term} with a log to ${last.index} of term ${last.term}; by the model in term ${expected} with a log to ${log.length} of term ${log.term}`
}

/** The models forget a vote that nobody can use any more, or that came too late to count. */
export function compareVoteWith({ votedFor: expected }: Expected, { votedFor }: HardState): string | null {
  if (expected < 0 || expected === votedFor) return null
  return `has a vote for ${votedFor ?? 'nobody'} on disk; by the model for ${expected}`
}

/** What a leader had sent in this term reaches a follower. `take`: has the model take so much of it. */
export function appendTo(
  follower: Expected,
  sent: Log | null | undefined,
  { term, upTo, heartbeat }: Extract<Observed, { type: 'append' }>,
  take: (upTo: number) => string | null,
): string | null {
  if (sent === undefined || sent === null) return `nothing was sent in term ${term}`
  const agreed = commonLength(follower.log, sent)
  if (heartbeat && upTo > agreed) return `vouches for more than the ${agreed} entries that both have`
  const taken = Math.max(agreed, upTo)
  const words = take(taken)
  const nothingNew = taken === agreed && follower.term === term && follower.role === 'follower'
  return nothingNew ? null : words
}

import type { VoteRefusal } from '@chatroom/replica'
import type { EntryKind } from '@chatroom/replication-log'
import {
  EntryKind as WireKind,
  VoteRefusal as WireRefusal,
} from '../gen/chatroom/replica/v1/replica_service.ts'
import { namesByNumber } from './enum-names.ts'

const kinds: Record<EntryKind, WireKind> = {
  command: WireKind.ENTRY_KIND_COMMAND,
  view: WireKind.ENTRY_KIND_VIEW,
  noop: WireKind.ENTRY_KIND_NOOP,
}

const refusals: Record<VoteRefusal, WireRefusal> = {
  'stale term': WireRefusal.VOTE_REFUSAL_STALE_TERM,
  'voted for another': WireRefusal.VOTE_REFUSAL_VOTED_FOR_ANOTHER,
  'has a leader': WireRefusal.VOTE_REFUSAL_HAS_A_LEADER,
  'is the leader': WireRefusal.VOTE_REFUSAL_IS_THE_LEADER,
  'log is more up to date': WireRefusal.VOTE_REFUSAL_LOG_IS_MORE_UP_TO_DATE,
  'knows a newer view': WireRefusal.VOTE_REFUSAL_KNOWS_A_NEWER_VIEW,
  'is admitted': WireRefusal.VOTE_REFUSAL_IS_ADMITTED,
  'not in the view': WireRefusal.VOTE_REFUSAL_NOT_IN_THE_VIEW,
  'distrusts its clock': WireRefusal.VOTE_REFUSAL_DISTRUSTS_ITS_CLOCK,
}

const kindNames = namesByNumber(kinds)
const refusalNames = namesByNumber(refusals)

export function entryKindNumber(kind: EntryKind): WireKind {
  return kinds[kind]
}

export function entryKindName(number: number): EntryKind | undefined {
  // Nearly all of them are such.
  return number === WireKind.ENTRY_KIND_COMMAND ? 'command' : kindNames.get(number)
}

/** Not refused is 0. */
export function voteRefusalNumber(refusal: VoteRefusal | null): number {
  return refusal === null ? WireRefusal.VOTE_REFUSAL_UNSPECIFIED : refusals[refusal]
}

export function voteRefusalName(number: number): VoteRefusal | null | undefined {
  return number === WireRefusal.VOTE_REFUSAL_UNSPECIFIED ? null : refusalNames.get(number)
}

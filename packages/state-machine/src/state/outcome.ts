import { RefusalReason } from '../gen/chatroom/state/v1/snapshot.ts'
import type { Reason } from '../reply.ts'

/**
 * What became of a request, in one number, so that a remembered reply costs little. 0 or more: it took effect, and this is what its reply names (a new
 * id, how many messages wait, or nothing). Less: it was refused, and this is minus the code of the reason. Together with the request itself, which a retry brings
 * along, that makes the whole reply.
 */
export type Outcome = number

/** Added to the id of a message whose recipient had a session. No log grows to this index. */
const online = 2 ** 52

/** The outcome of a send that took effect. `id`: log index of its entry. */
export function sent(id: number, recipientOnline: boolean): Outcome {
  return recipientOnline ? id + online : id
}

/** The `id` that `sent` was given; of any other outcome that took effect, what its reply names. */
export function idIn(outcome: Outcome): number {
  return wasOnline(outcome) ? outcome - online : outcome
}

/** The `recipientOnline` that `sent` was given; false of any other outcome. */
export function wasOnline(outcome: Outcome): boolean {
  return outcome >= online
}

/** Reasons that depend on the state. (The others depend on the request alone, so a retry gets them again without being remembered.) */
export type RememberedReason = Extract<
  Reason,
  | 'name taken'
  | 'wrong credentials'
  | 'logged in elsewhere'
  | 'unknown recipient'
  | 'send to self'
  | 'mailbox full'
  | 'not confirmed'
  | 'limit reached'
  // The only argument whose validity depends on the state: an acknowledgement beyond the last message.
  | 'invalid argument'
>

const codes: Readonly<Record<RememberedReason, RefusalReason>> = {
  'name taken': RefusalReason.REFUSAL_REASON_NAME_TAKEN,
  'wrong credentials': RefusalReason.REFUSAL_REASON_WRONG_CREDENTIALS,
  'logged in elsewhere': RefusalReason.REFUSAL_REASON_LOGGED_IN_ELSEWHERE,
  'unknown recipient': RefusalReason.REFUSAL_REASON_UNKNOWN_RECIPIENT,
  'send to self': RefusalReason.REFUSAL_REASON_SEND_TO_SELF,
  'mailbox full': RefusalReason.REFUSAL_REASON_MAILBOX_FULL,
  'not confirmed': RefusalReason.REFUSAL_REASON_NOT_CONFIRMED,
  'limit reached': RefusalReason.REFUSAL_REASON_LIMIT_REACHED,
  'invalid argument': RefusalReason.REFUSAL_REASON_BEYOND_LAST_SEQUENCE,
}

const reasons = new Map<Outcome, RememberedReason>([
  [-codes['name taken'], 'name taken'],
  [-codes['wrong credentials'], 'wrong credentials'],
  [-codes['logged in elsewhere'], 'logged in elsewhere'],
  [-codes['unknown recipient'], 'unknown recipient'],
  [-codes['send to self'], 'send to self'],
  [-codes['mailbox full'], 'mailbox full'],
  [-codes['not confirmed'], 'not confirmed'],
  [-codes['limit reached'], 'limit reached'],
  [-codes['invalid argument'], 'invalid argument'],
])

export function refused(reason: RememberedReason): Outcome {
  return -codes[reason]
}

/** The reason for a refusal; undefined if it took effect, or if no reason has this code. */
export function reasonOf(outcome: Outcome): RememberedReason | undefined {
  return outcome >= 0 ? undefined : reasons.get(outcome)
}

/** The code of the reason for a refusal; undefined if it took effect. */
export function refusalCode(outcome: Outcome): RefusalReason | undefined {
  const reason = reasonOf(outcome)
  return reason === undefined ? undefined : codes[reason]
}

import type { ReplicaId } from '@chatroom/election'

/** Kinds of trouble, by who makes it. Each is something that happens to real machines. */
export const processFaults = [
  'crash',
  'crash between effects',
  'crash after a message',
  'crash with a view under way',
  'crash of all who say it',
  'crash of new leaders',
  'crash of all',
  'restart of some',
  'crash of all under a new leader',
  'pause',
  'stall',
  'clock jump',
] as const
export const networkFaults = [
  'broken link',
  'cut path',
  'one-way cut',
  'isolation',
  'isolated leader',
  'bridge',
  'late answers',
  'slow path',
] as const
export const diskFaults = [
  'slow disk',
  'full disk',
  'failing disk',
  'replaced disk',
  'bit flip',
  'lost directory entry',
  'rotten entry',
] as const
export const operatorFaults = [
  'broken fencer',
  'transfer',
  'add learner',
  'promote',
  'remove member',
  'hasty operator',
  'forced recovery',
] as const

export type FaultKind =
  | (typeof processFaults)[number]
  | (typeof networkFaults)[number]
  | (typeof diskFaults)[number]
  | (typeof operatorFaults)[number]

export const faultKinds: readonly FaultKind[] = [
  ...processFaults,
  ...networkFaults,
  ...diskFaults,
  ...operatorFaults,
]

/** One trouble: when, what, to whom, how long. Plain numbers, so that a schedule can be printed, cut down and played again. */
export interface Fault {
  /** Its place in the schedule that the seed gives: names it when the schedule is cut down. */
  readonly number: number
  /** Virtual milliseconds from the beginning of the run. */
  readonly at: number
  readonly kind: FaultKind
  readonly replica: ReplicaId
  /** Whoever leads at that time is meant instead, if anybody does. */
  readonly atLeader: boolean
  /** The other end of a path, or whom to hand over to. */
  readonly other: ReplicaId
  /** Milliseconds until it is over. */
  readonly ms: number
  /** How much of it: a factor, a number of effects, milliseconds of a jump. 0 <= amount < 1, scaled where it is used. */
  readonly amount: number
}

export function describeFault({ number, at, kind, replica, atLeader, other, ms, amount }: Fault): string {
  return `#${number} at ${Math.round(at)} ms: ${kind} of ${atLeader ? 'the leader, or ' : ''}r${replica} (other r${other}) for ${Math.round(ms)} ms, amount ${amount.toFixed(3)}`
}

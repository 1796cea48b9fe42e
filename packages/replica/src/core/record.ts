import type { Member, ReplicaId, View } from '@chatroom/election'
import type { Entry, Position } from '@chatroom/replication-log'
import type { Effect } from './effects.ts'
import type { Event } from './events.ts'
import type { Message } from './messages.ts'
import { type Core, currentView } from './state.ts'

/**
 * One step of a replica in plain values: what happened, what the replica was afterwards and what it wanted done. For whoever compares what replicas do with the
 * rules; the repository replays such records against its model.
 */
export interface StepRecord {
  /** The message that this step was about, if it was one. */
  readonly received: { readonly from: Member; readonly message: Message } | null
  readonly role: 'leader' | 'follower' | 'candidate'
  readonly term: number
  readonly votedFor: ReplicaId | null
  readonly leader: Member | null
  readonly admitted: boolean
  /** Index up to which the replica knows the log to be committed. */
  readonly commitIndex: number
  /** Where the log ends, in memory. */
  readonly last: Position
  /** Of a leader: the index of the first entry of its term. */
  readonly opening: number | null
  /** Of a candidate: the phase it is in, and in a recovery who has to vote. */
  readonly campaign: {
    readonly phase: 'pre' | 'vote' | 'adopt'
    readonly transfer: boolean
    readonly returnees: readonly Member[] | null
  } | null
  /** What the step gave to the disk, and its number. */
  readonly persist: { readonly number: number; readonly entries: readonly Entry[] } | null
  /** Numbers of the last persists begun and done. */
  readonly persistIssued: number
  readonly persistDone: number
  /** The view in effect. */
  readonly view: View
  /** What the step sends, and the number of the persist that each message waits for; null: none. */
  readonly sends: readonly { readonly to: Member; readonly message: Message; readonly after: number | null }[]
}

export function recordStep(core: Core, event: Event, effects: readonly Effect[]): StepRecord {
  const { campaign, lead, log } = core
  const persist = effects.find((effect) => effect.type === 'persist')
  return {
    received: event.type === 'receive' ? { from: event.from, message: event.message } : null,
    role: core.role,
    term: core.term,
    votedFor: core.votedFor,
    leader: core.leader,
    admitted: core.admitted,
    commitIndex: core.commitIndex,
    last: { index: log.last.index, term: log.last.term },
    opening: lead?.opening ?? null,
    campaign: campaign && {
      phase: campaign.phase,
      transfer: campaign.transfer,
      returnees: campaign.returnees,
    },
    persist: persist === undefined ? null : { number: persist.persist, entries: persist.entries },
    persistIssued: core.persistIssued,
    persistDone: core.persistDone,
    view: currentView(core),
    sends: effects.filter((effect) => effect.type === 'send'),
  }
}

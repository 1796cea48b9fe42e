import { decodeView, type Member, type ReplicaId } from '@chatroom/election'
import type { StepRecord } from '@chatroom/replica'
import type { Entry } from '@chatroom/replication-log'

/** What a step of a replica was, in the words of the model. */
export type Observed =
  | { readonly type: 'vote'; readonly candidate: ReplicaId; readonly term: number }
  /** It vouches for its log up to here. To a heartbeat it does so with what its disk has already. */
  | { readonly type: 'append'; readonly term: number; readonly upTo: number; readonly heartbeat: boolean }
  | { readonly type: 'enter'; readonly term: number }
  | {
      readonly type: 'stand'
      readonly term: number
      readonly transfer: boolean
      readonly returnees: readonly Member[] | null
    }
  | { readonly type: 'adopt'; readonly voter: ReplicaId; readonly upTo: number }
  /** `view` null: the view stays. */
  | { readonly type: 'lead'; readonly view: readonly Member[] | null }
  | { readonly type: 'write' }
  | { readonly type: 'change'; readonly view: readonly Member[] }
  | { readonly type: 'commit'; readonly upTo: number }
  /** It knows that the log is committed up to here, and did not count itself. */
  | { readonly type: 'know'; readonly upTo: number }
  | { readonly type: 'learn' }
  | { readonly type: 'give up' }

/** An observed step takes effect for others when this persist is done; 0: at once. */
export interface Due {
  readonly persist: number
  readonly observed: Observed
}

type Before = Pick<StepRecord, 'role' | 'term' | 'admitted' | 'commitIndex' | 'campaign'>

/** The abstraction: from what the core was before and is now to what the model says may happen. In the order in which it happened. */
export function observe(self: ReplicaId, before: Before, now: StepRecord): Due[] {
  const found = [...answers(now), ...candidacy(self, before, now)]
  if (
    now.term > before.term &&
    !found.some(({ observed }) => 'term' in observed && observed.term === now.term)
  )
    found.unshift({ persist: now.persistIssued, observed: { type: 'enter', term: now.term } })
  const stood = before.role === 'leader' || (before.campaign !== null && before.campaign.phase !== 'pre')
  if (stood && now.role === 'follower' && now.term === before.term && found.length === 0)
    found.push({ persist: 0, observed: { type: 'give up' } })
  found.push(...growth(before, now))
  // What a follower knows of its log others see when its disk has it; a leader and a candidate go on with what they have in memory.
  const persist = now.role === 'follower' ? now.persistIssued : 0
  if (now.commitIndex > before.commitIndex) {
    const counted = now.opening !== null && now.commitIndex >= now.opening
    found.push({ persist, observed: { type: counted ? 'commit' : 'know', upTo: now.commitIndex } })
  }
  if (now.admitted && !before.admitted) found.push({ persist, observed: { type: 'learn' } })
  return found
}

/** Votes and acknowledgements count when they leave. */
function answers({ received, sends }: StepRecord): Due[] {
  return sends.flatMap(({ to, message, after }): Due[] => {
    const persist = after ?? 0
    if (message.type === 'voteReply' && message.granted && !message.pre)
      return [{ persist, observed: { type: 'vote', candidate: to.id, term: message.term } }]
    if (message.type !== 'appended' || !message.accepted) return []
    const heartbeat = received?.message.type === 'append' && received.message.entries.length === 0
    return [
      { persist, observed: { type: 'append', term: message.term, upTo: message.matchIndex, heartbeat } },
    ]
  })
}

function candidacy(self: ReplicaId, before: Before, now: StepRecord): Due[] {
  const { campaign, term, votedFor, received } = now
  if (campaign !== null && campaign.phase !== 'pre' && term > before.term && votedFor === self) {
    const { transfer, returnees } = campaign
    return [{ persist: now.persistIssued, observed: { type: 'stand', term, transfer, returnees } }]
  }
  if (received?.message.type !== 'pulled' || now.persist === null) return []
  const upTo = received.message.entries.at(-1)?.index
  return upTo === undefined
    ? []
    : [{ persist: 0, observed: { type: 'adopt', voter: received.from.id, upTo } }]
}

/** What a leader puts into its log. */
function growth(before: Before, { role, opening, persist }: StepRecord): Due[] {
  if (role !== 'leader' || opening === null) return []
  const own = (persist?.entries ?? []).filter(({ index }) => before.role === 'leader' || index >= opening)
  return own.map((entry): Due => {
    const view = entry.kind === 'view' ? membersOf(entry) : null
    if (entry.index === opening) return { persist: 0, observed: { type: 'lead', view } }
    return { persist: 0, observed: view === null ? { type: 'write' } : { type: 'change', view } }
  })
}

function membersOf({ payload }: Entry): readonly Member[] {
  return decodeView(payload).members
}

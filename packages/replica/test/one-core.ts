import {
  encodeView,
  failStop,
  type Member,
  majority,
  type PlacedView,
  type ReplicaId,
  type View,
} from '@chatroom/election'
import type { Entry, HardState, Position, StoredState } from '@chatroom/replication-log'
import type { Effect, Report } from '../src/core/effects.ts'
import type { Event } from '../src/core/events.ts'
import { defaultLimits, type Limits } from '../src/core/limits.ts'
import type { Append, Appended, Message, Presence, VoteReply, VoteRequest } from '../src/core/messages.ts'
import { type Core, createCore, currentView } from '../src/core/state.ts'
import { step } from '../src/core/step.ts'
import type { Hello } from '../src/ports/transport.ts'

export const origin: Position = { index: 0, term: 0 }

/** A run of a replica as views name it: on `disk<id>`, in its first incarnation. */
export function member(id: ReplicaId, incarnation = 1, disk = `disk${id}`): Member {
  return { id, disk, incarnation }
}

export function viewOf(...members: readonly Member[]): View {
  return { members, learners: [], clusterId: 'c' }
}

export function command(index: number, term: number, text = `${index}@${term}`): Entry {
  return { index, term, time: 0, kind: 'command', payload: new TextEncoder().encode(text) }
}

export function viewEntry(index: number, term: number, view: View): Entry {
  return { index, term, time: 0, kind: 'view', payload: encodeView(view) }
}

/** Commands with these terms, from index 1 on. */
export function commands(...terms: readonly number[]): Entry[] {
  return terms.map((term, at) => command(at + 1, term))
}

export interface OneCoreOptions {
  readonly mode?: 'fail-stop' | 'majority'
  readonly id?: ReplicaId
  readonly members?: readonly ReplicaId[]
  readonly incarnation?: number
  readonly disk?: string
  readonly limits?: Partial<Limits>
  /** What its disk holds. */
  readonly entries?: readonly Entry[]
  readonly hardState?: Partial<HardState>
  readonly snapshot?: Position & { readonly view: View }
  /** Entries up to here are on the disk and not in memory. */
  readonly notInMemory?: number
  /** Persists are done at once, unless a test wants to look at what waits for them. */
  readonly slowDisk?: boolean
  readonly seed?: number
}

/** One core whose peers are the test. */
export class OneCore {
  readonly core: Core
  /** Everything it ever wanted done. */
  readonly effects: Effect[] = []
  now = 1_000
  slowDisk: boolean
  #attempts = 0

  constructor(options: OneCoreOptions = {}) {
    const { mode = 'majority', id = 0, members = [0, 1, 2], incarnation = 1, disk = `disk${id}` } = options
    this.slowDisk = options.slowDisk ?? false
    this.core = createCore({
      mode: mode === 'majority' ? majority : failStop,
      limits: { ...defaultLimits, ...options.limits },
      members,
      peers: members.filter((peer) => peer !== id),
      stored: stored(options, { replicaId: id, disk, incarnation }),
      appliedIndex: options.snapshot?.index ?? 0,
      freshClusterId: 'fresh',
      seed: options.seed ?? 1,
    })
    this.tick(0)
  }

  happens(event: Event): Effect[] {
    const effects = step(this.core, event, this.now)
    this.effects.push(...effects)
    if (this.slowDisk) return effects
    const more = effects.flatMap((effect) =>
      effect.type === 'persist' ? this.happens({ type: 'persisted', persist: effect.persist }) : [],
    )
    return [...effects, ...more]
  }

  /** Time passes, all at once. */
  tick(ms: number): Effect[] {
    this.now += ms
    return this.happens({ type: 'tick', wallTime: this.now })
  }

  /** Time passes in steps of ten milliseconds. */
  pass(ms: number): Effect[] {
    const effects: Effect[] = []
    for (let passed = 0; passed < ms; passed += 10) effects.push(...this.tick(10))
    return effects
  }

  receive(from: Member, message: Message): Message[] {
    return messagesIn(this.happens({ type: 'receive', from, message }))
  }

  connect(peer: Member, hello: Partial<Hello> = {}): Message[] {
    const attempt = this.#attempt(peer.id)
    const whole: Hello = {
      member: peer,
      clusterId: 'c',
      mode: this.core.mode.name,
      protocol: 1,
      clientAddress: `client:${peer.id}`,
      pid: 100 + peer.id,
      processStart: '',
      ...hello,
    }
    return messagesIn(
      this.happens({
        type: 'observe',
        observation: { type: 'connected', peer: peer.id, attempt, hello: whole },
      }),
    )
  }

  /** Its link breaks, and a new one is refused. */
  refuse(peer: ReplicaId, exact = true): Effect[] {
    const broken = this.happens({ type: 'observe', observation: { type: 'disconnected', peer } })
    const attempt = this.#attempt(peer)
    const refused = this.happens({ type: 'observe', observation: { type: 'refused', peer, attempt, exact } })
    return [...broken, ...refused]
  }

  #attempt(peer: ReplicaId): number {
    const attempt = ++this.#attempts
    this.happens({ type: 'observe', observation: { type: 'attempting', peer, attempt } })
    return attempt
  }

  /** Everything it was asked to make durable is. */
  flush(): Effect[] {
    return this.happens({ type: 'persisted', persist: this.core.persistIssued })
  }

  get messages(): Message[] {
    return messagesIn(this.effects)
  }

  get reports(): Report[] {
    return this.effects.flatMap((effect) => (effect.type === 'report' ? [effect.report] : []))
  }

  get halted(): string {
    return this.core.halted ?? ''
  }

  get view(): PlacedView {
    return currentView(this.core)
  }

  /** Terms of the log, from its first entry in memory on. */
  get terms(): number[] {
    return (this.core.log.slice(this.core.log.cachedFrom, Number.POSITIVE_INFINITY) ?? []).map(
      ({ term }) => term,
    )
  }

  voteRequest(change: Partial<VoteRequest>): VoteRequest {
    return {
      type: 'voteRequest',
      term: this.core.term + 1,
      pre: false,
      recovery: false,
      transfer: false,
      last: this.core.log.last,
      view: this.view,
      commit: origin,
      dead: [],
      ...change,
    }
  }

  voteReply(change: Partial<VoteReply> = {}): VoteReply {
    return {
      type: 'voteReply',
      term: this.core.term,
      pre: this.core.campaign?.phase === 'pre',
      granted: true,
      refusal: null,
      last: origin,
      view: this.view,
      commit: origin,
      ...change,
    }
  }

  append(change: Partial<Append>): Append {
    return {
      type: 'append',
      term: this.core.term,
      previous: origin,
      entries: [],
      commitIndex: 0,
      round: 1,
      ...change,
    }
  }

  appended(change: Partial<Appended>): Appended {
    return {
      type: 'appended',
      term: this.core.term,
      accepted: true,
      matchIndex: this.core.log.last.index,
      hint: origin,
      round: this.core.lead?.round ?? 0,
      commitIndex: this.core.commitIndex,
      storageFull: false,
      ...change,
    }
  }

  presence(change: Partial<Presence> = {}): Presence {
    return {
      type: 'presence',
      term: this.core.term,
      leader: null,
      admitted: false,
      last: this.core.log.last,
      view: this.view,
      commit: origin,
      ...change,
    }
  }

  /** Stands, and gets the votes of these, in both questions. */
  elect(...voters: readonly Member[]): void {
    for (let passed = 0; passed < 2_000 && this.core.role !== 'candidate'; passed += 10) this.tick(10)
    for (const _ of ['before', 'in earnest'])
      for (const voter of voters) this.receive(voter, this.voteReply())
  }
}

export function messagesIn(effects: readonly Effect[]): Message[] {
  return effects.flatMap((effect) => (effect.type === 'send' ? [effect.message] : []))
}

/** The messages of one type, as that type. */
export function only<Type extends Message['type']>(
  type: Type,
  messages: readonly Message[],
): Extract<Message, { type: Type }>[] {
  return messages.filter((message): message is Extract<Message, { type: Type }> => message.type === type)
}

function stored(options: OneCoreOptions, identity: StoredState['identity']): StoredState {
  const { entries = [], snapshot, hardState, notInMemory = 0 } = options
  const before = snapshot === undefined ? origin : { index: snapshot.index, term: snapshot.term }
  const last = entries.at(-1) ?? before
  return {
    identity,
    hardState: { term: last.term, votedFor: null, clusterId: '', ...hardState },
    snapshot:
      snapshot === undefined
        ? null
        : { ...before, view: encodeView(snapshot.view), viewPosition: before, time: 0, bytes: 1 },
    before,
    last: { index: last.index, term: last.term },
    termStarts: entries
      .filter((entry, at) => at === 0 || entries[at - 1]?.term !== entry.term)
      .map(({ index, term }) => ({ index, term })),
    views: entries.filter((entry) => entry.kind === 'view'),
    tail: entries.filter((entry) => entry.index > notInMemory),
  }
}

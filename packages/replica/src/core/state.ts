import {
  bootstrapView,
  Deaths,
  decodeView,
  type Member,
  type Mode,
  names,
  type PlacedView,
  type ReplicaId,
} from '@chatroom/election'
import { type Position, ReplicatedLog, type StoredState } from '@chatroom/replication-log'
import type { Hello } from '../ports/transport.ts'
import type { Limits } from './limits.ts'
import type { Presence, VoteRefusal, VoteReply } from './messages.ts'

/** What a replica knows of one other replica. */
export interface Peer {
  readonly id: ReplicaId
  /** Which run answers at its address, as far as known. */
  member: Member | null
  /** What it said when the link opened; kept after the link broke, for a fencer. */
  hello: Hello | null
  connected: boolean
  /** When anything came from it. */
  heardAt: number
  heardEver: boolean
  presence: Presence | null
  presenceAt: number
  /** When a fencer was last asked to kill it; -1: not. */
  fencedAt: number
  /** Why the transport will not talk to it; '' if it will. */
  rejected: string
  rejectedAt: number
}

/** How a leader sends the log to one peer (etcd's tracker: probe, replicate, snapshot). */
export interface Progress {
  readonly member: Member
  state: 'probe' | 'replicate' | 'snapshot'
  /** The peer has everything up to here, durably. */
  match: number
  /** The first entry not sent yet. */
  next: number
  /** Last index and bytes of every `append` with entries that is not answered. */
  inflight: { readonly last: number; readonly bytes: number }[]
  inflightBytes: number
  /** A probe is under way. */
  probing: boolean
  /** Entries are being read from the storage. */
  reading: boolean
  /** The newest heartbeat round it answered. */
  round: number
  /** How far it said it knows the log to be committed. */
  knownCommit: number
  /** When it said that its disk is full; null: it has room. */
  fullSince: number | null
  /** In the state `snapshot`: which one is sent, from which byte on the last part, and when that was. */
  snapshotIndex: number
  snapshotOffset: number
  snapshotAt: number
  /** How fast it comes near the end of the log. */
  catchUp: CatchUp
}

/** Rounds of coming near the end of the log (thesis §4.2.1): a round is over when the peer has all that the log held when the round began. */
export interface CatchUp {
  /** Where the log ended when the present round began, and when that was. */
  goal: number
  since: number
  /** Rounds that are over, and how long the last one took, milliseconds. */
  rounds: number
  lastMs: number
}

interface PendingRead {
  readonly ticket: number
  /** The state must have everything up to here. */
  readonly index: number
  /** This heartbeat round must be confirmed; 0: none needed. */
  readonly round: number
}

export interface LeaderState {
  readonly since: number
  /** Index of the first entry of this term: once it is committed the leader serves. */
  readonly opening: number
  readonly progress: Map<ReplicaId, Progress>
  /** Number of the newest round of heartbeats, and when each of the last rounds began. */
  round: number
  roundAt: number
  /** Reads are not answered before a round with at least this number is confirmed (rule 8). */
  trustFrom: number
  /** Newest confirmed round, and when it began: the lease counts from there. */
  confirmed: number
  confirmedAt: number
  reads: PendingRead[]
  uncommittedBytes: number
  transfer: { readonly to: ReplicaId; readonly since: number; asked: boolean } | null
  /** Somebody was asked to take over, whether or not that came to anything. */
  handedOver: boolean
  /** A change of membership somebody waits for. */
  pendingChange: number | null
}

export interface Campaign {
  phase: 'pre' | 'vote' | 'adopt'
  readonly recovery: boolean
  readonly transfer: boolean
  /** The term stood for. */
  term: number
  /** When it began, or last made progress. */
  began: number
  /** Recovery: who has to vote. Otherwise the members of `view`. */
  readonly returnees: readonly Member[] | null
  readonly granted: Map<ReplicaId, { readonly member: Member; readonly reply: VoteReply }>
  readonly refused: Map<ReplicaId, VoteRefusal>
  /** Whom the present phase has asked. */
  readonly asked: Map<ReplicaId, Member>
  /** Its own vote is durable once this persist is done. */
  ownVote: number
  pullingFrom: Member | null
}

/** How far a planned end has come. */
type Departure =
  | { readonly phase: 'handing over' }
  /** It has said that it leaves; `unheard`: who has not said yet that it knows. */
  | { readonly phase: 'said'; readonly since: number; readonly unheard: Set<ReplicaId> }
  | { readonly phase: 'over' }

/** Everything a replica knows. Changed only by `step` and what it calls. */
export interface Core {
  readonly self: Member
  readonly mode: Mode
  readonly limits: Limits
  /** Name for a cluster that has none yet, should this replica be its first leader. */
  readonly freshClusterId: string
  /** Version of the state machine of this program. */
  readonly machineVersion: number
  readonly log: ReplicatedLog
  /** Monotonic, of the last event; -1 before the first. */
  now: number
  startedAt: number
  wallTime: number
  randomState: number

  term: number
  votedFor: ReplicaId | null
  clusterId: string

  /** Numbers of the last persist begun, of the last one done, and of the last ones that held hard state or log. */
  persistIssued: number
  persistDone: number
  hardPersist: number
  logPersist: number
  /** Where the log ended at each persist that is not done. */
  readonly unsynced: { readonly persist: number; last: number }[]

  /** The view at the log's beginning and every one in it, ascending. Never empty. */
  readonly views: PlacedView[]
  role: 'leader' | 'follower' | 'candidate'
  leader: Member | null
  leaderHeardAt: number
  /** Majority: how long to bear the leader's silence, at random anew for each leader. */
  patienceMs: number
  /** When to stand for election if nothing changes. */
  standAt: number
  /** Nobody led since. */
  leaderlessSince: number
  commitIndex: number
  /** Asked of the shell, and done by it. */
  applyRequested: number
  appliedIndex: number
  /** The newest snapshot of this replica's own state, durable. */
  snapshot: Snapshot | null
  /** A snapshot from the leader is whole and being installed: the log stands still until it is. */
  installing: boolean
  admitted: boolean
  /** Since when the own disk has no room for more entries; null: it has. */
  fullSince: number | null
  /** `time` of the newest entry. */
  entryTime: number
  presenceSentAt: number

  /** Ascending by id. */
  readonly peers: Map<ReplicaId, Peer>
  readonly deaths: Deaths
  /** Members of a view whose proof was reported already. */
  readonly reportedDead: Set<string>
  campaign: Campaign | null
  lead: LeaderState | null
  /** null: this replica is going to stay. */
  departure: Departure | null
  /** A candidate's pull that waits for entries from the storage. */
  pull: { readonly from: Member; readonly index: number } | null
  halted: string | null
}

interface Snapshot extends Position {
  readonly view: PlacedView
  /** `time` of the entry at `index`. */
  readonly time: number
}

export interface CoreOptions {
  readonly mode: Mode
  readonly limits: Limits
  /** Bootstrap members: those a new cluster starts with. */
  readonly members: readonly ReplicaId[]
  /** Everybody this replica may have a link to, itself excluded. */
  readonly peers: readonly ReplicaId[]
  readonly stored: StoredState
  /** The state machine already has everything up to here (its restored snapshot). */
  readonly appliedIndex: number
  readonly freshClusterId: string
  /** Version of the state machine. Default 1. */
  readonly machineVersion?: number
  /** Any 32-bit number, different on every replica: spreads election timeouts. */
  readonly seed: number
}

export function createCore(options: CoreOptions): Core {
  const { stored, mode } = options
  const self: Member = {
    id: stored.identity.replicaId,
    disk: stored.identity.disk,
    incarnation: stored.identity.incarnation,
  }
  const base: PlacedView =
    stored.snapshot === null
      ? { ...bootstrapView(options.members), index: 0, term: 0 }
      : { ...decodeView(stored.snapshot.view), ...stored.snapshot.viewPosition }
  const views = [base]
  for (const entry of stored.views) {
    if (entry.index > base.index)
      views.push({ ...decodeView(entry.payload), index: entry.index, term: entry.term })
  }
  const core: Core = {
    self,
    mode,
    limits: options.limits,
    freshClusterId: options.freshClusterId,
    machineVersion: options.machineVersion ?? 1,
    log: new ReplicatedLog(stored),
    now: -1,
    startedAt: -1,
    wallTime: 0,
    randomState: options.seed | 0,
    term: Math.max(stored.hardState.term, stored.last.term),
    votedFor: stored.hardState.term >= stored.last.term ? stored.hardState.votedFor : null,
    clusterId: stored.hardState.clusterId,
    persistIssued: 0,
    persistDone: 0,
    hardPersist: 0,
    logPersist: 0,
    unsynced: [],
    views,
    role: 'follower',
    leader: null,
    leaderHeardAt: 0,
    patienceMs: options.limits.electionTimeoutMs,
    standAt: 0,
    leaderlessSince: 0,
    commitIndex: stored.snapshot?.index ?? 0,
    applyRequested: options.appliedIndex,
    appliedIndex: options.appliedIndex,
    snapshot:
      stored.snapshot === null
        ? null
        : {
            index: stored.snapshot.index,
            term: stored.snapshot.term,
            view: base,
            time: stored.snapshot.time,
          },
    installing: false,
    admitted: !mode.namesIncarnations,
    fullSince: null,
    entryTime: stored.tail.at(-1)?.time ?? stored.snapshot?.time ?? 0,
    presenceSentAt: -1,
    peers: new Map(),
    deaths: new Deaths(),
    reportedDead: new Set(),
    campaign: null,
    lead: null,
    departure: null,
    pull: null,
    halted: null,
  }
  for (const id of [...options.peers].sort((a, b) => a - b)) addPeer(core, id)
  // The newest first: it says most of what the earlier ones do.
  for (let at = views.length - 1; at >= 0; at--)
    for (const member of views[at]?.members ?? []) core.deaths.learn(member)
  return core
}

function addPeer(core: Core, id: ReplicaId): Peer {
  const peer: Peer = {
    id,
    member: null,
    hello: null,
    connected: false,
    heardAt: Math.max(0, core.now),
    heardEver: false,
    presence: null,
    presenceAt: -1,
    fencedAt: -1,
    rejected: '',
    rejectedAt: 0,
  }
  core.peers.set(id, peer)
  return peer
}

/** The newest view in the log, in force or not. */
export function currentView(core: Core): PlacedView {
  const view = core.views.at(-1)
  if (view === undefined) throw new RangeError('core: no view')
  return view
}

/** Whether the newest view is known to be committed. */
export function viewInForce(core: Core): boolean {
  return currentView(core).index <= core.commitIndex
}

/** The view in effect at an entry. */
export function viewAt(core: Core, index: number): PlacedView {
  for (let at = core.views.length - 1; at >= 0; at--) {
    const view = core.views[at]
    if (view !== undefined && view.index <= index) return view
  }
  return currentView(core)
}

export function isSelf(core: Core, member: Member): boolean {
  return names(member, core.self)
}

/** Which run of a replica a view's member is now: what messages to it are addressed to. Undefined if none was met. */
export function addressOf(core: Core, member: Member): Member | undefined {
  if (member.disk !== '' && member.incarnation !== 0) return member
  const known = core.peers.get(member.id)?.member
  return known !== null && known !== undefined && names(member, known) ? known : undefined
}

/** Leads, and its first entry of the term is committed. */
export function isServing(core: Core): boolean {
  return core.role === 'leader' && core.lead !== null && core.commitIndex >= core.lead.opening
}

/** 0 <= n < 1, from the seed alone (mulberry32). */
export function random(core: Core): number {
  core.randomState = (core.randomState + 0x6d2b79f5) | 0
  let t = Math.imul(core.randomState ^ (core.randomState >>> 15), 1 | core.randomState)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}

/** Position among the living members of the view by id: the lowest acts first. */
export function rankInView(core: Core): number {
  let rank = 0
  for (const member of currentView(core).members) {
    if (member.id < core.self.id && !core.deaths.isDead(member)) rank++
  }
  return rank
}

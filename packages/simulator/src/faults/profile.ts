import type { ModeName } from '@chatroom/election'
import type { Limits } from '@chatroom/replica'
import type { FaultKind } from './fault.ts'

/** Which troubles a run has, how often, and what is expected of it. */
export interface Profile {
  readonly name: string
  readonly mode: ModeName
  readonly words: string
  /** Each run draws one of these. */
  readonly replicas: readonly number[]
  /** Replicas that exist and are no members at first. */
  readonly spares: number
  readonly clients: number
  /** Virtual milliseconds with faults, at the most; then they cease. */
  readonly faultyMs: number
  /** Milliseconds between two faults, on average. */
  readonly everyMs: number
  readonly weights: Readonly<Partial<Record<FaultKind, number>>>
  /** A run has only some of these kinds of faults, but this one always. */
  readonly always?: FaultKind
  /** The longest that clients think between two requests, milliseconds: each run draws one of these. Default: from busy to idle. */
  readonly thinkMs?: readonly number[]
  readonly limits?: Partial<Limits>
  /** No snapshots, and a crash keeps a write whole or not at all: for comparing a run with rules that know of neither. Default: false. */
  readonly plainStorage?: boolean
  /** Whether everything must come back when faults cease. Beyond its claims a mode may stop; it must not lie. */
  readonly mustComeBack: boolean
  /** Replicas may stop themselves for other reasons than a disk that failed. */
  readonly haltAllowed: boolean
  /** When a cluster does not come back an operator founds a new one from the best of what is left. */
  readonly forcedRecovery?: boolean
  /** When faults cease an operator makes all replicas members again, with the disks that they have. */
  readonly operator: boolean
}

const hosts = {
  crash: 6,
  'crash between effects': 5,
  'crash after a message': 5,
  'crash of all who say it': 3,
  'crash of new leaders': 3,
  'crash of all': 1.5,
  'restart of some': 1.5,
  'crash of all under a new leader': 1,
  pause: 3,
  stall: 2,
  'clock jump': 1,
  'broken link': 3,
  'slow path': 1,
  'slow disk': 1,
  'full disk': 1,
  'failing disk': 1,
  transfer: 1,
} as const

const partitions = {
  'cut path': 3,
  'one-way cut': 2,
  isolation: 3,
  'isolated leader': 2,
  bridge: 3,
} as const

const common = {
  spares: 0,
  clients: 4,
  faultyMs: 20_000,
  everyMs: 700,
  mustComeBack: true,
  haltAllowed: false,
  operator: false,
} as const

export const profiles: readonly Profile[] = [
  {
    ...common,
    name: 'fail-stop',
    mode: 'fail-stop',
    words:
      'what fail-stop claims to survive: crashes and stops of any, of all, in any order; broken links, bad disks',
    replicas: [3, 3, 3, 3, 2, 4],
    weights: hosts,
  },
  {
    ...common,
    name: 'fail-stop-half-views',
    mode: 'fail-stop',
    words: 'leaders and members that die while a view or an election is under way',
    replicas: [3, 3, 4],
    weights: {
      'crash of new leaders': 4,
      'crash after a message': 4,
      'crash with a view under way': 8,
      'crash of all who say it': 3,
      crash: 4,
      'crash of all': 1,
      'restart of some': 1,
      'crash of all under a new leader': 4,
      'slow path': 4,
      'broken link': 2,
    },
    everyMs: 400,
  },
  {
    ...common,
    name: 'fail-stop-beyond',
    mode: 'fail-stop',
    words:
      'more than fail-stop claims to survive: partitions, a fencer that fails, lost and rotten disks; it may stop, and must not lie',
    replicas: [3, 3, 3, 2, 4],
    weights: {
      ...hosts,
      ...partitions,
      'broken fencer': 3,
      'replaced disk': 3,
      'bit flip': 3,
      'forced recovery': 3,
    },
    mustComeBack: false,
    haltAllowed: true,
    forcedRecovery: true,
  },
  {
    ...common,
    name: 'majority',
    mode: 'majority',
    words: 'what majority claims to survive: the same on hosts of their own, and cut, one-way and slow paths',
    replicas: [3, 3, 5],
    weights: { ...hosts, ...partitions },
  },
  {
    ...common,
    name: 'majority-membership',
    mode: 'majority',
    words: 'the same while replicas are added, promoted and removed, and disks are replaced',
    replicas: [3, 3, 2, 1],
    spares: 2,
    weights: {
      ...hosts,
      ...partitions,
      'add learner': 6,
      promote: 6,
      'remove member': 4,
      'hasty operator': 4,
      'replaced disk': 3,
    },
    operator: true,
  },
  {
    ...common,
    name: 'majority-lease',
    mode: 'majority',
    words:
      'reads from leases, clocks that keep their assumption, and leaders that are cut off while others ask them',
    replicas: [3, 3, 5],
    weights: { ...hosts, ...partitions, 'isolated leader': 15 },
    always: 'isolated leader',
    thinkMs: [30, 100, 100],
    clients: 6,
    everyMs: 2_000,
    limits: { leaseClockDrift: 0.1, electionTimeoutMs: 700 },
  },
  {
    ...common,
    name: 'majority-young-leaders',
    mode: 'majority',
    words:
      'leaders that die before they have replicated anything, one entry at a time (Raft, Figures 7 and 8)',
    replicas: [3, 5],
    weights: {
      'crash of new leaders': 6,
      crash: 2,
      'crash after a message': 1,
      isolation: 1,
      'broken link': 1,
    },
    limits: { appendBytes: 1 },
    everyMs: 400,
  },
]

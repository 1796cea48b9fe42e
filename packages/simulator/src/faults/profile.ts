import type { ModeName } from '@chatroom/election'
import type { FaultKind } from './fault.ts'

/** Which troubles a run has, and how often. */
export interface Profile {
  readonly name: string
  readonly mode: ModeName
  readonly words: string
  /** Each run draws one of these. */
  readonly replicas: readonly number[]
  readonly spares: number
  readonly clients: number
  /** Virtual milliseconds with faults; then they cease. */
  readonly faultyMs: number
  /** Milliseconds between two faults, on average. */
  readonly everyMs: number
  readonly weights: Readonly<Partial<Record<FaultKind, number>>>
  /** Whether everything must come back when faults cease. Beyond its claims a mode may stop; it must not lie. */
  readonly mustComeBack: boolean
  /** Replicas may stop themselves. */
  readonly haltAllowed: boolean
}

const process = {
  crash: 6,
  'crash between effects': 5,
  'crash after a message': 5,
  'crash of all': 1.5,
  pause: 3,
  stall: 2,
  'clock jump': 1,
  'broken link': 3,
  'slow path': 1,
  'slow disk': 1,
  transfer: 1,
} as const

export const profiles: readonly Profile[] = [
  {
    name: 'fail-stop',
    mode: 'fail-stop',
    words: 'crashes, stops, broken links, slow and full disks on one host: what fail-stop claims to survive',
    replicas: [3, 3, 3, 3, 2, 4],
    spares: 0,
    clients: 4,
    faultyMs: 20_000,
    everyMs: 700,
    weights: { ...process, 'full disk': 1, 'failing disk': 1 },
    mustComeBack: true,
    haltAllowed: false,
  },
  {
    name: 'majority',
    mode: 'majority',
    words: 'the same on hosts of their own, with cut, one-way and slow paths',
    replicas: [3, 3, 3, 5],
    spares: 0,
    clients: 4,
    faultyMs: 20_000,
    everyMs: 700,
    weights: { ...process, 'full disk': 1, 'failing disk': 1, 'cut path': 3, 'one-way cut': 2, isolation: 3 },
    mustComeBack: true,
    haltAllowed: false,
  },
]

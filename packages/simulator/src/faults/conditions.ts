import type { Limits } from '@chatroom/replica'
import type { Random } from '../kernel/random.ts'
import { type FaultKind, faultKinds } from './fault.ts'
import type { Profile } from './profile.ts'

/** Milliseconds, at the least and usually at the most. */
export type Range = readonly [number, number]

/**
 * What a run is like, apart from its faults. Every seed draws its own (swarm testing, Groce and others 2012): what is rare under average conditions is common
 * under some, and bounds that are never reached in production are small here.
 */
export interface Conditions {
  readonly replicas: number
  /** How long faults happen: what must come right at the end is looked at more often in short runs. */
  readonly faultyMs: number
  /** The kinds of faults that happen at all. */
  readonly kinds: readonly { readonly kind: FaultKind; readonly weight: number }[]
  /** Milliseconds between two faults, on average. */
  readonly everyMs: number
  /** Faults last so many times as long as usual. */
  readonly lasting: number
  readonly networkMs: Range
  readonly flushMs: Range
  /** How long a supervisor waits before it starts what ended. */
  readonly restartMs: Range
  /** The longest a client thinks between two requests. */
  readonly thinkMs: number
  readonly limits: Partial<Limits>
  readonly snapshotEveryBytes: number
  /** A crash keeps any first part of the write that is under way. */
  readonly tornWrites: boolean
}

const networks: readonly [Range, ...Range[]] = [
  [0.05, 1],
  [0.05, 1],
  [0.5, 8],
  [1, 40],
  [20, 60],
]
const disks: readonly [Range, ...Range[]] = [
  [0.2, 3],
  [0.2, 3],
  [0.01, 0.1],
  [2, 30],
]
const restarts: readonly [Range, ...Range[]] = [
  [1, 300],
  [0, 5],
  [200, 2_000],
]

export function drawConditions(profile: Profile, random: Random): Conditions {
  const all = faultKinds.flatMap((kind) => {
    const weight = profile.weights[kind] ?? 0
    return weight > 0 ? [{ kind, weight }] : []
  })
  // A few kinds of faults at a time go deeper than all of them together.
  const share = random.pick([0.15, 0.4, 0.8])
  const some = all.filter(({ kind }) => kind === profile.always || random.chance(share))
  const thinkMs = random.pick(profile.thinkMs ?? [15, 100, 400, 400, 1_500]) ?? 400
  return {
    replicas: random.pick(profile.replicas) ?? 3,
    // Where clients are busy much happens in a short time; long runs are for what takes long.
    faultyMs: profile.faultyMs * random.pick(thinkMs < 100 ? [0.05, 0.1, 0.1, 0.2] : [0.1, 0.3, 0.3, 1]),
    kinds: some.length > 0 ? some : all,
    everyMs: profile.everyMs * random.pick([0.2, 0.5, 1, 1, 3]),
    lasting: random.pick([0.05, 0.3, 1, 1]),
    networkMs: random.pick(networks),
    flushMs: random.pick(disks),
    restartMs: random.pick(restarts),
    thinkMs,
    limits: {
      // The shortest that is allowed: on a slow network candidates get into each other's way.
      electionTimeoutMs: random.pick([300, 300, 100]),
      appendBytes: random.pick([512 * 1024, 1, 300]),
      inflightMessages: random.pick([4, 4, 1]),
      cacheBytes: random.pick([32 * 1024 * 1024, 500, 5_000]),
      recentBytes: 2_000,
      joinLagEntries: random.pick([1_000, 0, 5]),
      compactMarginEntries: random.pick([0, 20, 10_000]),
      ...profile.limits,
    },
    snapshotEveryBytes: profile.plainStorage
      ? Number.MAX_SAFE_INTEGER
      : random.pick([500, 2_000, 2_000, 20_000, 1_000_000_000]),
    tornWrites: !profile.plainStorage,
  }
}

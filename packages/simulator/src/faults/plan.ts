import type { ReplicaId } from '@chatroom/election'
import type { Random } from '../kernel/random.ts'
import type { Conditions } from './conditions.ts'
import type { Fault, FaultKind } from './fault.ts'
import type { Profile } from './profile.ts'

/** The share of runs in which directories lose entries besides all other troubles, and how often in a run at the most. */
const LOSE_NAMES = 0.5
const MOST_LOST_NAMES = 4
/** How often in a run, at the most, a leader that reads from leases hears late and is cut off then. */
const MOST_LATE_ANSWERS = 3
/** The share of runs in which an entry rots. */
const ROT = 0.5

/** The troubles of a run, from its seed alone. */
export function planFaults(
  profile: Profile,
  { replicas, kinds, everyMs, lasting, faultyMs }: Conditions,
  random: Random,
): Fault[] {
  const total = kinds.reduce((sum, { weight }) => sum + weight, 0)
  const everybody = replicas + profile.spares
  const faults: Fault[] = []
  for (let at = random.between(0, everyMs * 2); at < faultyMs; at += pause(random, everyMs)) {
    const replica: ReplicaId = random.below(everybody)
    faults.push({
      number: faults.length,
      at,
      kind: draw(kinds, random.next() * total),
      replica,
      atLeader: random.chance(0.3),
      other: (replica + 1 + random.below(everybody - 1)) % everybody,
      ms: duration(random) * lasting,
      amount: random.next(),
    })
  }
  // After all others, which stay what they were in every seed.
  if (profile.plainStorage === true) return faults
  const more = (kind: FaultKind): void => {
    const replica: ReplicaId = random.below(everybody)
    faults.push({
      number: faults.length,
      at: random.between(0, faultyMs),
      kind,
      replica,
      atLeader: random.chance(0.3),
      other: replica,
      ms: duration(random) * lasting,
      amount: random.next(),
    })
  }
  if (random.chance(LOSE_NAMES))
    for (let count = 1 + random.below(MOST_LOST_NAMES); count > 0; count--) more('lost directory entry')
  // A lease is as long as the round that it comes from is young.
  if ((profile.limits?.leaseClockDrift ?? 0) > 0)
    for (let count = random.below(MOST_LATE_ANSWERS + 1); count > 0; count--) more('late answers')
  // One, so that others have what it had; and none where disks are lost, too.
  if (profile.mustComeBack && !profile.operator && random.chance(ROT)) more('rotten entry')
  return faults
}

function draw(kinds: readonly { kind: FaultKind; weight: number }[], at: number): FaultKind {
  let left = at
  for (const { kind, weight } of kinds) {
    left -= weight
    if (left < 0) return kind
  }
  return kinds[0]?.kind ?? 'crash'
}

/** Troubles often come together. */
function pause(random: Random, everyMs: number): number {
  return random.chance(0.3) ? random.between(0, 30) : random.between(0, everyMs * 2.8)
}

/** Short ones, longer ones, and some that outlast every limit. */
function duration(random: Random): number {
  const size = random.next()
  if (size < 0.4) return random.between(1, 100)
  if (size < 0.8) return random.between(100, 1_500)
  return random.between(1_500, 6_000)
}

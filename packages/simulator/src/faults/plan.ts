import type { ReplicaId } from '@chatroom/election'
import type { Random } from '../kernel/random.ts'
import { type Fault, type FaultKind, faultKinds } from './fault.ts'
import type { Profile } from './profile.ts'

/** The troubles of a run, from its seed alone. */
export function planFaults(profile: Profile, random: Random): Fault[] {
  const kinds = faultKinds.flatMap((kind) => {
    const weight = profile.weights[kind] ?? 0
    return weight > 0 ? [{ kind, weight }] : []
  })
  const total = kinds.reduce((sum, { weight }) => sum + weight, 0)
  const everybody = profile.replicas + profile.spares
  const faults: Fault[] = []
  // Some runs are calm and some are storms.
  const everyMs = profile.everyMs * random.between(0.3, 3)
  for (let at = random.between(0, everyMs * 2); at < profile.faultyMs; at += random.between(0, everyMs * 2)) {
    const replica: ReplicaId = random.below(everybody)
    const kind = draw(kinds, random.next() * total)
    faults.push({
      number: faults.length,
      at,
      kind,
      replica,
      other: (replica + 1 + random.below(everybody - 1)) % everybody,
      ms: duration(random),
      amount: random.next(),
    })
  }
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

/** Short ones, longer ones, and some that outlast every limit. */
function duration(random: Random): number {
  const size = random.next()
  if (size < 0.4) return random.between(1, 100)
  if (size < 0.8) return random.between(100, 1_500)
  return random.between(1_500, 6_000)
}

import type { StateMachine } from '@chatroom/replica'
import { type SimulationOptions, type SimulationResult, simulate } from './simulate.ts'

export interface Shrunk {
  /** The numbers of the faults that are needed. */
  readonly keep: readonly number[]
  readonly clients: number
  /** Virtual milliseconds with faults. */
  readonly faultyMs: number
  readonly result: SimulationResult
  /** Runs it took. */
  readonly runs: number
}

/**
 * Cuts a failing run down: fewer faults (delta debugging, Zeller 2002), fewer clients, less time, as long as the same invariant breaks. Null if the run
 * does not fail.
 */
export async function shrink<Command, Reply, Machine extends StateMachine<Command, Reply>>(
  options: SimulationOptions<Command, Reply, Machine>,
  limits: { readonly runs: number },
): Promise<Shrunk | null> {
  let best = await simulate(options)
  const invariant = best.violation?.invariant
  if (invariant === undefined) return null
  let runs = 1
  let profile = options.profile
  let keep = best.faults.map(({ number }) => number).filter((number) => options.keep?.has(number) ?? true)

  const stillFails = async (kept: readonly number[], tried: typeof profile): Promise<boolean> => {
    if (runs >= limits.runs) return false
    runs++
    const result = await simulate({ ...options, profile: tried, keep: new Set(kept) })
    if (result.violation?.invariant !== invariant) return false
    best = result
    keep = [...kept]
    profile = tried
    return true
  }

  // What comes after the violation has no part in it.
  const until = best.violation?.at ?? profile.faultyMs
  const before = best.faults
    .filter(({ at, number }) => at <= until && keep.includes(number))
    .map((fault) => fault.number)
  if (before.length < keep.length) await stillFails(before, profile)
  for (let clients = 1; clients < profile.clients; clients++)
    if (await stillFails(keep, { ...profile, clients })) break
  await removeFaults(
    () => keep,
    (kept) => stillFails(kept, profile),
  )
  for (let part = 0.5; part > 0.05; part /= 2) {
    const last = Math.max(0, ...best.faults.filter(({ number }) => keep.includes(number)).map(({ at }) => at))
    const faultyMs = Math.ceil(last + (profile.faultyMs - last) * part)
    if (!(await stillFails(keep, { ...profile, faultyMs }))) break
  }
  return { keep, clients: profile.clients, faultyMs: profile.faultyMs, result: best, runs }
}

/** Leaves out ever smaller parts. */
async function removeFaults(
  kept: () => readonly number[],
  stillFails: (kept: readonly number[]) => Promise<boolean>,
): Promise<void> {
  let parts = 2
  while (kept().length > 0) {
    const all = kept()
    const size = Math.ceil(all.length / parts)
    let removed = false
    for (let at = 0; at < all.length && !removed; at += size) {
      const others = all.filter((_, place) => place < at || place >= at + size)
      removed = await stillFails(others)
    }
    if (removed) parts = Math.max(2, parts - 1)
    else if (size <= 1) return
    else parts = Math.min(all.length, parts * 2)
  }
}

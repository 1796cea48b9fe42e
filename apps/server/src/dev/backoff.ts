/** Milliseconds: the pause before the first restart, the longest one, and how long a process has to run to count as healthy again. */
export interface BackoffLimits {
  readonly first: number
  readonly longest: number
  readonly healthyAfter: number
}

const restartPauses: BackoffLimits = { first: 500, longest: 30_000, healthyAfter: 60_000 }

/** How long to wait before the next restart of a process that ran for `ranFor` ms after having waited `previous` ms (0: not at all). */
export function nextPause(previous: number, ranFor: number, limits: BackoffLimits = restartPauses): number {
  if (previous === 0 || ranFor >= limits.healthyAfter) return limits.first
  return Math.min(previous * 2, limits.longest)
}

/** The middle value, or the mean of the two in the middle. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** NaN of nothing. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** The smallest value that at least so many percent of the values do not exceed (nearest rank). NaN of nothing. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = Float64Array.from(values).sort()
  const rank = Math.ceil((percent / 100) * sorted.length)
  return sorted[Math.max(rank, 1) - 1] ?? Number.NaN
}

/**
 * Each round's value by the base's value of the same round: what slowed the machine down slowed both, so ratios within a round scatter less than ratios of medians.
 * @throws RangeError if one of the two has a round that the other lacks
 */
export function pairedRatios(values: readonly number[], base: readonly number[]): number[] {
  if (values.length !== base.length)
    throw new RangeError(`${values.length} rounds cannot be paired with ${base.length}`)
  return values.map((value, round) => value / (base[round] ?? Number.NaN))
}

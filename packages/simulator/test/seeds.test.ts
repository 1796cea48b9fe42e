import { describe, expect, it } from 'vitest'
import { chatWorkload, countFrom, profiles, registerWorkload, runCampaign, simulate } from '../src/index.ts'

/** Enough to see that nothing is broken outright; `pnpm simulate` looks further. */
const seedsOfEach = 12

describe.each(profiles)('$name', (profile) => {
  it.each([chatWorkload.name, registerWorkload.name])(
    `keeps every invariant over ${seedsOfEach} seeds of %s`,
    async (name) => {
      const seeds = countFrom(1_000, seedsOfEach)
      const summary =
        name === chatWorkload.name
          ? await runCampaign({ profile, workload: chatWorkload, seeds })
          : await runCampaign({ profile, workload: registerWorkload, seeds })
      expect(summary.failures.map(({ seed, violation }) => ({ seed, violation }))).toEqual([])
      expect(summary.acknowledged).toBeGreaterThan(0)
    },
    120_000,
  )

  it('is the same run for the same seed, and another for another', async () => {
    const run = (seed: number) => simulate({ seed, profile, workload: chatWorkload })
    const [first, again, other] = [await run(7), await run(7), await run(8)]
    expect(again.traceHash).toBe(first.traceHash)
    expect(other.traceHash).not.toBe(first.traceHash)
  }, 120_000)
})

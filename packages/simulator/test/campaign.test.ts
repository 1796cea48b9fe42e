import { expect, it } from 'vitest'
import { chatWorkload, countFrom, profiles, runCampaign, type SimulationResult } from '../src/index.ts'

const [profile] = profiles

/** Ends the runs that were asked for in an order of its own: of those under way the last one first. */
function lastFirst(results: (seed: number) => SimulationResult): {
  run: (seed: number) => Promise<SimulationResult>
  asked: number[]
} {
  const asked: number[] = []
  const waiting: (() => void)[] = []
  return {
    asked,
    run: (seed) => {
      asked.push(seed)
      return new Promise((resolve) => {
        waiting.push(() => resolve(results(seed)))
        if (waiting.length > 1) return
        queueMicrotask(() => {
          for (const end of waiting.splice(0).reverse()) end()
        })
      })
    },
  }
}

function resultOf(seed: number): SimulationResult {
  const violation = seed % 3 === 0 ? { invariant: 'none', words: `seed ${seed}`, at: 0 } : null
  const counts = new Map([['thing', seed]])
  return {
    seed,
    violation,
    traceHash: String(seed),
    traceLength: 1,
    virtualMs: 10,
    replicas: 3,
    faults: [],
    acknowledged: 1,
    counts,
  }
}

it('takes what was run elsewhere in the order of the seeds', async () => {
  if (profile === undefined) throw new Error('no profiles')
  const { run, asked } = lastFirst(resultOf)
  const told: number[] = []
  const summary = await runCampaign({
    profile,
    workload: chatWorkload,
    seeds: countFrom(1, 7),
    elsewhere: { run, atOnce: 3 },
    after: ({ seed }) => told.push(seed) > 0,
  })
  expect(told).toEqual([1, 2, 3, 4, 5, 6, 7])
  expect(asked).toEqual(told)
  expect(summary).toMatchObject({
    seeds: 7,
    virtualMs: 70,
    acknowledged: 7,
    counts: new Map([['thing', 28]]),
  })
  expect(summary.failures.map(({ seed }) => seed)).toEqual([3, 6])
})

it('begins no more than may be under way, and none after it was ended', async () => {
  if (profile === undefined) throw new Error('no profiles')
  const { run, asked } = lastFirst(resultOf)
  await runCampaign({
    profile,
    workload: chatWorkload,
    seeds: countFrom(1),
    elsewhere: { run, atOnce: 4 },
    after: ({ seed }) => seed < 2,
  })
  expect(asked).toEqual([1, 2, 3, 4, 5])
})

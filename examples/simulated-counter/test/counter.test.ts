import { stateMachineAcceptance } from '@chatroom/replica/testing'
import { countFrom, profiles, runCampaign, simulate } from '@chatroom/simulator'
import { describe, expect, it } from 'vitest'
import { createCounter } from '../src/counter.ts'
import { counterWorkload } from '../src/workload.ts'

describe('the counter', () => {
  const commands = [3, 1, 2, 1, 3, 3, 2].map((client, i) => ({ client, request: i >> 1, add: i }))

  it.each(stateMachineAcceptance)('$name', ({ run }) => {
    expect(() => run({ create: () => createCounter(), commands })).not.toThrow()
  })
})

describe.each(profiles)('in the simulator, with the faults of $name', { timeout: 120_000 }, (profile) => {
  it('counts each request once', async () => {
    const workload = counterWorkload({ remembers: true })
    const { failures, acknowledged } = await runCampaign({ profile, workload, seeds: countFrom(1, 6) })
    expect(failures.map(({ seed, violation }) => ({ seed, violation }))).toEqual([])
    expect(acknowledged).toBeGreaterThan(100)
  })

  it('is caught if it does not, and again by the same seed', async () => {
    const workload = counterWorkload({ remembers: false })
    const after = ({ violation }: { violation: unknown }): boolean => violation === null
    const { failures } = await runCampaign({ profile, workload, seeds: countFrom(1, 20), after })
    expect(failures).toMatchObject([{ violation: { invariant: 'linearizable' } }])
    const again = await simulate({ profile, workload, seed: failures[0]?.seed ?? 0 })
    expect(again).toEqual(failures[0])
  })
})

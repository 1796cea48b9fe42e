import { describe, expect, it } from 'vitest'
import { startCluster } from './harness/cluster.ts'
import { Traffic } from './harness/traffic.ts'

const all = [0, 1, 2]

/** "Within seconds": the limit for silence is one second. */
const withinMs = 15_000

describe.each(['the leader', 'a follower'] as const)('SIGSTOP of %s while clients send', (which) => {
  it('has it fenced: the chat goes on within seconds, and nothing acknowledged is lost', async () => {
    const cluster = await startCluster()
    const traffic = await Traffic.begin(cluster)
    await traffic.more(500)
    const { id: leader } = await cluster.untilView(all)
    const stopped = which === 'the leader' ? leader : (leader + 1) % all.length
    const others = all.filter((id) => id !== stopped)

    cluster.replica(stopped).signal('SIGSTOP')
    await cluster.untilView(others, withinMs)
    await traffic.more(500, withinMs)
    // Fenced is killed: what stopped never goes on with what it believed.
    expect(await cluster.replica(stopped).exited).toEqual({ code: null, signal: 'SIGKILL' })

    cluster.start(stopped)
    await cluster.untilView(all)
    await traffic.more(200)
    await traffic.end()
    expect(traffic.check()).toEqual([])
    expect(await traffic.leftOver()).toEqual([])
  })
})

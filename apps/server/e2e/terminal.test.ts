import { describe, expect, it } from 'vitest'
import { passwordOf, startCluster, type TestCluster } from './harness/cluster.ts'
import { eventually } from './harness/eventually.ts'
import { type RunningScript, startScript } from './harness/script.ts'

const all = [0, 1, 2]

async function results(script: RunningScript, count: number): Promise<Record<string, unknown>[]> {
  return await eventually(
    `${count} results`,
    () => (script.results.length >= count ? script.results : null),
    {
      seen: () => script.program.stdout + script.program.stderr,
    },
  )
}

function sends(from: number, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `send bob message ${from + n}`)
}

async function killLeader(cluster: TestCluster, members: readonly number[]): Promise<number[]> {
  const { id } = await cluster.untilView(members)
  await cluster.replica(id).kill()
  return members.filter((member) => member !== id)
}

describe('two people at their terminals, while the leader is killed and then the next one', () => {
  it('notice nothing: every message arrives once, in order, and nobody logs in again', async () => {
    const cluster = await startCluster()
    const bob = startScript(cluster, [
      'create bob',
      passwordOf('bob'),
      'login bob',
      passwordOf('bob'),
      'wait 600',
    ])
    const alice = startScript(cluster, [
      'create alice',
      passwordOf('alice'),
      'login alice',
      passwordOf('alice'),
    ])
    await Promise.all([results(bob, 2), results(alice, 2)])

    alice.type(sends(0, 100))
    await results(alice, 30)
    const two = await killLeader(cluster, all)
    await results(alice, 102)
    alice.type(sends(100, 100))
    await results(alice, 130)
    await killLeader(cluster, two)
    alice.type(['list', 'quit'])

    expect(await alice.program.exited).toEqual({ code: 0, signal: null })
    expect(alice.results.map(({ command }) => command)).toEqual([
      ...['create', 'login'],
      ...Array.from({ length: 200 }, () => 'send'),
      ...['list', 'quit'],
    ])
    expect(alice.results.filter(({ ok, code }) => ok !== true || code !== 'OK')).toEqual([])
    await eventually('the last message', () => (bob.messages.length >= 200 ? true : null), {
      seen: () => String(bob.messages.length),
    })
    bob.program.signal('SIGTERM')
    await bob.program.exited
    expect(bob.messages.map(({ from, text }) => `${String(from)}: ${String(text)}`)).toEqual(
      Array.from({ length: 200 }, (_, n) => `alice: message ${n}`),
    )
    expect(new Set(bob.messages.map(({ id }) => id)).size).toBe(200)
  })
})

import { expect, it } from 'vitest'
import { startCluster } from './harness/cluster.ts'
import { eventually } from './harness/eventually.ts'
import { freePorts } from './harness/ports.ts'
import { Traffic } from './harness/traffic.ts'

const all = [0, 1, 2]

it('every replica is restarted in turn under load, and no send fails', async () => {
  const metricsPort = await freePorts(3)
  const cluster = await startCluster(['--metrics-port', String(metricsPort)])
  const traffic = await Traffic.begin(cluster)
  const told: string[] = []
  await traffic.more(200)
  for (const id of all) {
    const replica = cluster.replica(id)
    replica.signal('SIGTERM')
    expect(await replica.exited).toEqual({ code: 0, signal: null })
    const steps = replica.json.flatMap(({ event, step }) =>
      event === 'replica.stop-step-failed' ? [step] : [],
    )
    expect(steps).toEqual([])
    await traffic.more(100)
    cluster.start(id)
    // What an orchestrator waits for before it goes on to the next.
    await eventually(`replica ${id} is ready`, async () => {
      const response = await fetch(`http://127.0.0.1:${metricsPort + id}/readyz`).catch(() => null)
      return response?.status === 200 ? true : null
    })
    await cluster.untilView(all)
    for (const other of all.filter((one) => one !== id)) {
      if (cluster.replica(other).json.some(({ event, peer }) => event === 'replica.peer-left' && peer === id))
        told.push(`${other} of ${id}`)
    }
    await traffic.more(100)
  }
  await traffic.end()
  // In time, wherever the machine let them answer each other within a second.
  expect(told).not.toEqual([])
  expect(traffic.check()).toEqual([])
  const longest = Math.round(traffic.longestPauseMs)
  process.stdout.write(
    `rolling restart of three replicas under load: ${traffic.acknowledged} messages, longest pause ${longest} ms\n`,
  )
})

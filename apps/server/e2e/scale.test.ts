import { readFile } from 'node:fs/promises'
import type { ChatClient } from '@chatroom/client'
import { describe, expect, it } from 'vitest'
import { passwordOf, startCluster, type TestCluster } from './harness/cluster.ts'

const accounts = 1_000
const connected = 100
const waiting = 10_000

/** Mebibytes of memory that a replica may have taken at most. Far above what this load needs, far below what a leak of it would take. */
const memoryBound = 700

async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const queue = [...items]
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: width }, worker))
}

/** The most memory a process ever had, mebibytes; 0 where the system does not tell. */
async function peakMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '')
  const kibibytes = /^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1]
  return Number(kibibytes ?? 0) / 1_024
}

async function logIn(cluster: TestCluster, name: string): Promise<ChatClient> {
  const client = await cluster.connect()
  await client.login(name, passwordOf(name), { idleTimeoutSeconds: 600 })
  return client
}

describe('many', () => {
  it('accounts, connected clients and waiting messages are no trouble', async () => {
    const cluster = await startCluster()
    const names = Array.from({ length: accounts }, (_, n) => `user${String(n).padStart(4, '0')}`)
    const anybody = await cluster.connect({ requestTimeoutMs: 120_000 })
    await inParallel(names, 16, (name) => anybody.createAccount(name, passwordOf(name)))
    const listed: string[] = []
    for await (const name of anybody.list('user')) listed.push(name)
    expect(listed).toEqual(names)

    const byName = new Map<string, ChatClient>()
    await inParallel(names.slice(0, connected), 8, async (name) =>
      byName.set(name, await logIn(cluster, name)),
    )
    const clients = [...byName.values()]
    const target = names[accounts - 1] ?? ''
    await inParallel(clients, connected, async (client) => {
      for (let n = 0; n < waiting / connected; n++) await client.send(target, `message ${n}`)
    })

    const everybody: Promise<string>[] = clients.map(async (client) => {
      for await (const { text } of client.inbox()) return text
      return 'nothing'
    })
    const [first = '', second = '', ...others] = names.slice(0, connected)
    for (const name of [second, ...others]) await byName.get(first)?.send(name, 'to each of you')
    await byName.get(second)?.send(first, 'to each of you')
    expect(new Set(await Promise.all(everybody))).toEqual(new Set(['to each of you']))

    const reader = await cluster.connect()
    expect((await reader.login(target, passwordOf(target))).waiting).toBe(waiting)
    let arrived = 0
    for await (const message of reader.inbox({ follow: false })) {
      arrived++
      expect(message.sequence).toBe(arrived)
      if (arrived === waiting) await message.acknowledge()
    }
    expect(arrived).toBe(waiting)
    for await (const message of reader.inbox({ follow: false }))
      throw new Error(`still there: ${message.sequence}`)

    const memory = await Promise.all([0, 1, 2].map((id) => peakMemory(cluster.replica(id).pid)))
    expect(Math.max(...memory)).toBeLessThan(memoryBound)
    // A thousand passwords are hashed as slowly as passwords must be.
  }, 300_000)
})

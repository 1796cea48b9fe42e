import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { newCluster } from './harness/cluster.ts'
import { eventually } from './harness/eventually.ts'

const all = [0, 1, 2]
const preload = fileURLToPath(new URL('./fixtures/dies-in-snapshot.mjs', import.meta.url))

it('a replica that is killed in the midst of a snapshot, its own or one of the leader, comes back with everything, also if the leader is killed while it gives one', async () => {
  // A snapshot every 8 MiB, and the log is given up behind them.
  const cluster = await newCluster(['--disk-quota', '64'])
  for (const id of all) cluster.start(id, ['--import', preload])
  const { id: leader } = await cluster.untilView(all)
  const alice = await cluster.loggedIn('alice')
  const bob = await cluster.loggedIn('bob')
  const follower = (leader + 1) % all.length
  const directory = join(cluster.dataDirectory, `replica-${follower}`)
  const snapshots = async (end: string): Promise<string[]> =>
    (await readdir(directory)).filter((name) => name.endsWith(end))
  let sent = 0
  let read = 0
  const long = 'x'.repeat(60_000)
  const send = async (): Promise<void> => {
    await Promise.all(Array.from({ length: 20 }, () => alice.send('bob', `${sent++} ${long}`)))
  }
  /** All but the newest, so that there is something in each snapshot. */
  const readAllBut = async (left: number): Promise<void> => {
    let acknowledged = Promise.resolve()
    for await (const message of bob.inbox({ follow: false })) {
      if (read === sent - left) break
      expect(message.text.startsWith(`${read++} `)).toBe(true)
      acknowledged = message.acknowledge()
    }
    await acknowledged
  }
  const trigger = join(cluster.dataDirectory, `dies-${follower}`)
  const hasDied = async (): Promise<void> => {
    expect(await cluster.replica(follower).exited).toMatchObject({ signal: 'SIGKILL' })
    expect([await snapshots('.snap.tmp'), await snapshots('.snap')]).toEqual([[expect.any(String)], []])
  }

  /** A whole one, and nothing is left of the one before. */
  const isWritten = (): Promise<boolean> =>
    eventually('a snapshot is written', async () =>
      (await snapshots('.snap')).length > 0 && (await snapshots('.snap.tmp')).length === 0 ? true : null,
    )

  await writeFile(trigger, '')
  while (!cluster.replica(follower).hasExited) await send()
  await hasDied()
  cluster.start(follower, ['--import', preload])
  await cluster.untilView(all)
  await isWritten()

  // Until the others have given up the beginning of their logs, which an empty disk would need.
  const isGivenUp = async (): Promise<boolean> =>
    (await readdir(join(cluster.dataDirectory, `replica-${leader}`))).every(
      (name) => !name.endsWith('0000000001.seg'),
    )
  while (!(await isGivenUp())) {
    await send()
    await readAllBut(10)
  }
  await cluster.replica(follower).kill()
  await rm(directory, { recursive: true })
  await writeFile(trigger, '')
  cluster.start(follower, ['--import', preload])
  await hasDied()
  // The leader dies in the midst of giving the same; whoever leads then gives all of its own.
  await writeFile(join(cluster.dataDirectory, `stops-giving-${leader}`), '')
  cluster.start(follower)
  expect(await cluster.replica(leader).exited).toMatchObject({ signal: 'SIGKILL' })
  await cluster.untilView(all.filter((id) => id !== leader))
  await isWritten()
  for (const id of all.filter((other) => other !== follower)) await cluster.replica(id).kill()
  await cluster.untilView([follower])
  await readAllBut(0)
  expect(read).toBe(sent)
})

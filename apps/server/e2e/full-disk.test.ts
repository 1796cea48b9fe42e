import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { ChatClient } from '@chatroom/client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { newCluster } from './harness/cluster.ts'

const run = promisify(execFile)
const all = [0, 1, 2]
const text = 'x'.repeat(8_000)

/** Gives a directory a file system of its own, as small as this. */
async function mountSmall(directory: string, size: string): Promise<void> {
  await run('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', directory])
  onTestFinished(async () => void (await run('umount', ['-l', directory])))
}

/** What a file takes that takes everything. */
async function fill(path: string): Promise<void> {
  for (const bytes of [1 << 20, 1 << 16, 1 << 12]) {
    const more = Buffer.alloc(bytes, 1)
    const full = async (): Promise<boolean> =>
      await writeFile(path, more, { flag: 'a' }).then(
        () => false,
        () => true,
      )
    while (!(await full()));
  }
}

interface Sent {
  readonly acknowledged: Set<string>
  readonly under: Promise<unknown>[]
}

/** Sends until so many wait for their answers, which come in their order: what was taken before the disk was full waits for room. */
async function sendUntilStuck(from: ChatClient, to: string): Promise<Sent> {
  const sent: Sent = { acknowledged: new Set(), under: [] }
  let waiting = 0
  for (let n = 0; waiting < 50 && n < 5_000; n++) {
    const message = `${n} ${text}`
    waiting++
    const outcome = from
      .send(to, message)
      .then(
        () => sent.acknowledged.add(message),
        // Refused for certain.
        (error: unknown) => expect(error).toMatchObject({ code: 'limit reached' }),
      )
      .finally(() => waiting--)
    sent.under.push(outcome)
    await pause(2)
  }
  return sent
}

describe('a disk that is full', () => {
  it.runIf(process.getuid?.() === 0)(
    'refuses writes and serves reads; with room again it takes writes again, and nothing was lost',
    async () => {
      const cluster = await newCluster()
      await mountSmall(cluster.dataDirectory, '24m')
      for (const id of all) cluster.start(id)
      await cluster.untilView(all)
      const alice = await cluster.loggedIn('alice')
      const bob = await cluster.loggedIn('bob')
      const carol = await cluster.loggedIn('carol')
      const filler = join(cluster.dataDirectory, 'filler')
      await fill(filler)

      const sent = await sendUntilStuck(alice, 'bob')
      const names: string[] = []
      for await (const name of bob.list()) names.push(name)
      expect(names).toEqual(['alice', 'bob', 'carol'])
      await expect(carol.send('bob', 'refused')).rejects.toMatchObject({ code: 'limit reached' })

      await rm(filler)
      await Promise.all(sent.under)
      const { id } = await cluster.untilView(all)
      const events = cluster.replica(id).json.map(({ event }) => event)
      expect(events.filter((event) => String(event).startsWith('replica.storage'))).toEqual([
        'replica.storage-full',
        'replica.storage-has-room',
      ])
      await alice.send('bob', 'there is room again')

      for (const id of all) await cluster.replica(id).kill()
      for (const id of all) cluster.start(id)
      await cluster.untilView(all)
      const found: string[] = []
      for await (const message of bob.inbox({ follow: false })) found.push(message.text)
      expect(found.sort()).toEqual([...sent.acknowledged, 'there is room again'].sort())
    },
  )
})

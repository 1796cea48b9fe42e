import { execFile } from 'node:child_process'
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ChatClient } from '@chatroom/client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { newCluster, type TestCluster } from './harness/cluster.ts'
import { eventually } from './harness/eventually.ts'

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

/** Sends until the leader says that it waits for room; what was taken before is answered, in its order, when there is some. */
async function sendUntilStuck(
  cluster: TestCluster,
  leader: number,
  from: ChatClient,
  to: string,
): Promise<Sent> {
  const sent: Sent = { acknowledged: new Set(), under: [] }
  let waiting = 0
  let n = 0
  await eventually('the leader waits for room on a disk', async () => {
    while (waiting < 50) {
      const message = `${n++} ${text}`
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
    }
    const status = await cluster.status(leader)
    return status?.waiting.some((why) => why.for === 'room on a disk') ? status : null
  })
  return sent
}

async function textsFor(reader: ChatClient): Promise<string[]> {
  const found: string[] = []
  for await (const message of reader.inbox({ follow: false })) found.push(message.text)
  return found.sort()
}

/** Three replicas, each with a small disk of its own. */
async function withSmallDisks(): Promise<{ cluster: TestCluster; fillerOf: (id: number) => string }> {
  const cluster = await newCluster()
  for (const id of all) {
    const directory = join(cluster.dataDirectory, `replica-${id}`)
    await mkdir(directory)
    await mountSmall(directory, '24m')
    cluster.start(id)
  }
  return { cluster, fillerOf: (id) => join(cluster.dataDirectory, `replica-${id}`, 'filler') }
}

describe.runIf(process.getuid?.() === 0)("a follower's disk that is full", () => {
  it('makes the leader refuse writes and name it; with room again writes go on, and nothing was lost', async () => {
    const { cluster, fillerOf } = await withSmallDisks()
    const leader = await cluster.untilView(all)
    const full = (leader.id + 1) % all.length
    const alice = await cluster.loggedIn('alice')
    const bob = await cluster.loggedIn('bob')
    const carol = await cluster.loggedIn('carol')
    await fill(fillerOf(full))

    const sent = await sendUntilStuck(cluster, leader.id, alice, 'bob')
    await expect(carol.send('bob', 'refused')).rejects.toMatchObject({ code: 'limit reached' })
    await expect(carol.send('bob', 'refused')).rejects.toThrow(`disk of replica ${full}`)
    const names: string[] = []
    for await (const name of bob.list()) names.push(name)
    expect(names).toEqual(['alice', 'bob', 'carol'])
    for (const id of [leader.id, full]) {
      const { waiting } = await cluster.untilStatus(id, 'answers', () => true)
      expect(waiting).toContainEqual(expect.objectContaining({ for: 'room on a disk', replicas: [full] }))
    }

    await rm(fillerOf(full))
    await Promise.all(sent.under)
    await cluster.untilStatus(leader.id, 'has room', ({ waiting }) => waiting.length === 0)
    await alice.send('bob', 'there is room again')
    for (const id of all) await cluster.replica(id).kill()
    for (const id of all) cluster.start(id)
    await cluster.untilView(all)
    expect(await textsFor(bob)).toEqual([...sent.acknowledged, 'there is room again'].sort())
  })

  // Whether it has room for a vote and a view is chance. If not it is silent, and fenced; if it has, it stays, and writes are refused.
  it('does not keep the chat from being read when the leader dies', async () => {
    const { cluster, fillerOf } = await withSmallDisks()
    const leader = await cluster.untilView(all)
    const [full = -1, other = -1] = all.filter((id) => id !== leader.id)
    const alice = await cluster.loggedIn('alice')
    const bob = await cluster.loggedIn('bob')
    await fill(fillerOf(full))
    const sent = await sendUntilStuck(cluster, leader.id, alice, 'bob')
    await cluster.replica(leader.id).kill()
    const { view } = await eventually('somebody else serves', async () => {
      const statuses = await Promise.all([full, other].map((id) => cluster.status(id)))
      return statuses.find((status) => status?.serving === true) ?? null
    })
    const names: string[] = []
    for await (const name of bob.list()) names.push(name)
    expect(names).toEqual(['alice', 'bob'])

    await rm(fillerOf(full))
    if (view.members.every(({ id }) => id !== full)) {
      await cluster.replica(full).exited
      cluster.start(full)
    }
    cluster.start(leader.id)
    await cluster.untilView(all)
    await Promise.all(sent.under)
    expect(await textsFor(bob)).toEqual([...sent.acknowledged].sort())
  })
})

/** Without a snapshot that is being written: one of before goes for it when it is whole, and it is not refused, since it is what frees space. */
async function bytesIn(directory: string): Promise<number> {
  const names = (await readdir(directory)).filter((name) => !name.endsWith('.tmp'))
  const sizes = names.map(async (name) => (await stat(join(directory, name))).size)
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

describe('a quota', () => {
  it('stops writes before it is used up, leaves room for an election, and can be raised', async () => {
    const quota = ['--disk-quota', '64']
    const cluster = await newCluster(quota)
    for (const id of all) cluster.start(id)
    const leader = await cluster.untilView(all)
    const alice = await cluster.loggedIn('alice')
    const bob = await cluster.loggedIn('bob')
    const long = 'x'.repeat(60_000)
    let sent = 0
    const fillUp = async (): Promise<never> => {
      for (; ; sent++) await alice.send('bob', `${sent} ${long}`)
    }
    await expect(fillUp()).rejects.toThrow('No room on the disk')
    for (const id of all)
      expect(await bytesIn(join(cluster.dataDirectory, `replica-${id}`))).toBeLessThan(64 * 1024 * 1024)
    await cluster.replica(leader.id).kill()
    await cluster.untilView(all.filter((id) => id !== leader.id))
    await expect(alice.send('bob', 'refused')).rejects.toMatchObject({ code: 'limit reached' })

    for (const id of all) await cluster.replica(id).kill()
    quota[1] = '256'
    for (const id of all) cluster.start(id)
    await cluster.untilView(all)
    await alice.send('bob', `${sent++} ${long}`)
    expect(await textsFor(bob)).toEqual(Array.from({ length: sent }, (_, n) => `${n} ${long}`).sort())
  })
})

describe('a disk that is full', () => {
  it.runIf(process.getuid?.() === 0)(
    'refuses writes and serves reads; with room again it takes writes again, and nothing was lost',
    async () => {
      const cluster = await newCluster()
      await mountSmall(cluster.dataDirectory, '24m')
      for (const id of all) cluster.start(id)
      const leader = await cluster.untilView(all)
      const alice = await cluster.loggedIn('alice')
      const bob = await cluster.loggedIn('bob')
      const carol = await cluster.loggedIn('carol')
      const filler = join(cluster.dataDirectory, 'filler')
      await fill(filler)

      const sent = await sendUntilStuck(cluster, leader.id, alice, 'bob')
      const names: string[] = []
      for await (const name of bob.list()) names.push(name)
      expect(names).toEqual(['alice', 'bob', 'carol'])
      await expect(carol.send('bob', 'refused')).rejects.toMatchObject({ code: 'limit reached' })

      await rm(filler)
      await Promise.all(sent.under)
      const { id } = await cluster.untilView(all)
      await cluster.untilStatus(id, 'has room everywhere', ({ waiting }) => waiting.length === 0)
      const events = cluster.replica(id).json.map(({ event }) => event)
      expect(events.filter((event) => String(event).startsWith('replica.storage'))).toEqual([
        'replica.storage-full',
        'replica.storage-has-room',
      ])
      await alice.send('bob', 'there is room again')

      for (const id of all) await cluster.replica(id).kill()
      for (const id of all) cluster.start(id)
      await cluster.untilView(all)
      expect(await textsFor(bob)).toEqual([...sent.acknowledged, 'there is room again'].sort())
    },
  )
})

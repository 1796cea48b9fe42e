import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { newCluster, startCluster, type TestCluster } from './harness/cluster.ts'
import { eventually } from './harness/eventually.ts'
import { freePorts } from './harness/ports.ts'

const all = [0, 1, 2]
/** FORMAT.md: what a batch begins with, and how long its header is. */
const magic = Buffer.from([0xb1, 0x4c, 0x4f, 0x47])
const headerBytes = 64

interface Batch {
  readonly offset: number
  readonly first: number
  readonly count: number
  readonly bodyBytes: number
}

async function segmentOf(
  cluster: TestCluster,
  id: number,
): Promise<{ path: string; content: Buffer; batches: Batch[] }> {
  const directory = join(cluster.dataDirectory, `replica-${id}`)
  const name = (await readdir(directory)).find((each) => each.endsWith('.seg')) ?? ''
  const path = join(directory, name)
  const content = await readFile(path)
  const batches: Batch[] = []
  for (let at = content.indexOf(magic); at !== -1; at = content.indexOf(magic, at + 1)) {
    if (content.readUInt32LE(at + 16) !== at) continue
    const [bodyBytes, count, first] = [8, 20, 24].map((field) => content.readUInt32LE(at + field))
    batches.push({ offset: at, first: first ?? 0, count: count ?? 0, bodyBytes: bodyBytes ?? 0 })
  }
  return { path, content, batches: batches.filter(({ count }) => count > 0) }
}

function events(cluster: TestCluster, id: number): string[] {
  return [...cluster.replica(id).stdout.matchAll(/"event":"(storage\.[^"]+)"/g)].map(
    (match) => match[1] ?? '',
  )
}

async function withMessages(
  flags: readonly string[],
): Promise<{ cluster: TestCluster; read: () => Promise<string[]> }> {
  const cluster = await startCluster(flags)
  const alice = await cluster.loggedIn('alice')
  const bob = await cluster.loggedIn('bob')
  for (let n = 0; n < 40; n++) await alice.send('bob', `message ${n}`)
  const read = async (): Promise<string[]> => {
    const found: string[] = []
    for await (const { text } of bob.inbox({ follow: false })) found.push(text)
    return found
  }
  return { cluster, read }
}

const expected = Array.from({ length: 40 }, (_, n) => `message ${n}`)

describe('a replica whose disk is damaged', () => {
  it('heals from the others, in every part of its log at once, and leads with the whole of it', async () => {
    const { cluster, read } = await withMessages([])
    const before = await cluster.untilView(all)
    const follower = (before.id + 1) % all.length
    await cluster.replica(follower).kill()
    const { path, content, batches } = await segmentOf(cluster, follower)
    const flip = (offset: number, bit = 3): void => {
      content.writeUInt8(content.readUInt8(offset) ^ (1 << bit), offset)
    }
    const at = (number: number): Batch => {
      const batch = batches[number]
      if (batch === undefined) throw new Error(`there are ${batches.length} batches only`)
      return batch
    }
    flip(20)
    flip(at(2).offset)
    flip(at(4).offset + 5)
    flip(at(6).offset + 26)
    flip(at(8).offset + 50)
    flip(at(10).offset + headerBytes + 1)
    flip(at(12).offset + headerBytes + 9)
    flip(at(14).offset + headerBytes + 40)
    flip(at(16).offset + headerBytes + at(16).bodyBytes - 2)
    content.fill(0, at(18).offset, at(18).offset + headerBytes + 10)
    await writeFile(path, content)

    cluster.start(follower)
    await cluster.untilView(all)
    expect(events(cluster, follower).filter((event) => event === 'storage.damage-mended')).toHaveLength(10)
    // What it mended is what it has: it leads, alone, and nothing is missing.
    for (const id of all.filter((each) => each !== follower)) await cluster.replica(id).kill()
    await cluster.untilView([follower])
    expect(await read()).toEqual(expected)
  })

  it('waits for others; if nobody has the entries it does not start, says which index is lost, and touches nothing', async () => {
    const { cluster, read } = await withMessages(['--repair-wait', '3'])
    for (const id of all) await cluster.replica(id).kill()
    const { path, content, batches } = await segmentOf(cluster, 1)
    const lost = batches[20]
    if (lost === undefined) throw new Error('too few batches')
    content.fill(0xff, lost.offset + headerBytes, lost.offset + headerBytes + 8)
    await writeFile(path, content)

    const alone = cluster.start(1)
    expect(await alone.exited).toMatchObject({ code: 1 })
    expect(alone.stdout).toMatch(/waits for entr(y|ies) \d+.*no answer from replica 0/)
    const last = lost.first + lost.count - 1
    expect(alone.stderr).toMatch(
      new RegExp(
        `${last === lost.first ? 'entry' : 'entries'} ${lost.first}( to ${last})? cannot be read.*does not start without`,
      ),
    )
    expect(alone.stderr.trim().split('\n')).toHaveLength(1)

    cluster.start(0)
    await cluster.untilStatus(0, 'is up', () => true)
    for (const id of [1, 2]) cluster.start(id)
    await cluster.untilView(all)
    expect(events(cluster, 1).slice(-1)).toEqual(['storage.damage-mended'])
    expect(await read()).toEqual(expected)
  })

  it('is seen while it waits, and gives what it has to another that is damaged elsewhere', async () => {
    const metricsPort = await freePorts(3)
    const { cluster, read } = await withMessages(['--metrics-port', String(metricsPort)])
    for (const id of all) await cluster.replica(id).kill()
    const lost: number[] = []
    for (const [id, number] of [
      [0, 10],
      [1, 20],
    ] as const) {
      const { path, content, batches } = await segmentOf(cluster, id)
      const batch = batches[number]
      if (batch === undefined) throw new Error('too few batches')
      content.fill(0xff, batch.offset + headerBytes, batch.offset + headerBytes + 8)
      await writeFile(path, content)
      lost.push(batch.first)
    }
    expect(lost[0]).toBeLessThan(lost[1] ?? 0)
    cluster.start(0)
    const why = new RegExp(
      `waits for entr(y|ies) ${lost[0]}( to \\d+)?: no answer from replica 1 \\(nobody listens`,
    )
    const readyz = async (): Promise<string> => {
      const response = await fetch(`http://127.0.0.1:${metricsPort}/readyz`).catch(() => null)
      return (await response?.text()) ?? ''
    }
    await eventually('it says in readyz what it waits for', async () => why.exec(await readyz()))
    await expect(cluster.admin(0).status()).rejects.toThrow(why)
    // With the help of 0 alone, and 0 with that of 1.
    cluster.start(1)
    for (const id of [0, 1]) await cluster.untilStatus(id, 'takes part', () => true)
    expect(cluster.replica(0).stdout).toMatch(/mended with entr.* from replica 1/)
    cluster.start(2)
    await cluster.untilView(all)
    expect(await read()).toEqual(expected)
  })

  it('whose snapshots are lost, and part of its log, gets a snapshot of another; whose term and vote are lost twice says so', async () => {
    // Snapshots after 8 MiB, and a log that is given up behind them.
    const cluster = await startCluster(['--disk-quota', '64', '--repair-wait', '20'])
    const alice = await cluster.loggedIn('alice')
    const bob = await cluster.loggedIn('bob')
    const received = (async () => {
      let count = 0
      for await (const message of bob.inbox()) {
        expect(message.text.startsWith(`${count++} `)).toBe(true)
        const acknowledged = message.acknowledge()
        if (count === 1_500) return await acknowledged
      }
    })()
    const long = 'x'.repeat(20_000)
    for (let n = 0; n < 1_500; n++) await alice.send('bob', `${n} ${long}`)
    await received
    await alice.send('bob', 'the last')
    const { id } = await cluster.untilView(all)
    const follower = (id + 1) % all.length
    await cluster.replica(follower).kill()
    const directory = join(cluster.dataDirectory, `replica-${follower}`)
    const damage = async (end: string, offset: number): Promise<void> => {
      const names = (await readdir(directory)).filter((name) => name.endsWith(end)).sort()
      expect(names.length).toBeGreaterThan(1)
      for (const name of end === '.seg' ? names.slice(0, 1) : names) {
        const content = await readFile(join(directory, name))
        content.writeUInt8(content.readUInt8(offset) ^ 8, offset)
        await writeFile(join(directory, name), content)
      }
    }
    await damage('.snap', 200)
    await damage('.seg', 100_000)
    cluster.start(follower)
    await cluster.untilView(all)
    expect(events(cluster, follower)).toContain('storage.damage-mended')
    expect(cluster.replica(follower).stdout).toContain('mended with a snapshot of replica')
    for (const each of all.filter((other) => other !== follower)) await cluster.replica(each).kill()
    await cluster.untilView([follower])
    const found: string[] = []
    for await (const { text } of bob.inbox({ follow: false })) found.push(text)
    expect(found).toEqual(['the last'])

    await cluster.replica(follower).kill()
    for (const name of ['state-a', 'state-b']) {
      const content = await readFile(join(directory, name))
      await writeFile(join(directory, name), content.fill(0xee, 0, 64))
    }
    const refused = cluster.start(follower)
    expect(await refused.exited).toMatchObject({ code: 1 })
    expect(refused.stderr).toMatch(
      /neither state-a nor state-b holds a whole state \(term, vote, incarnation\)/,
    )
  })
})

describe('a replica whose log was cut short', () => {
  it('heals from the others after all were killed: it leads alone then, and nothing is missing', async () => {
    const { cluster, read } = await withMessages([])
    // The first to be killed is not the last that went on.
    for (const id of all) await cluster.replica(id).kill()
    const { path } = await segmentOf(cluster, 0)
    await truncate(path, 0)
    for (const id of all) cluster.start(id)
    await cluster.untilView(all)
    expect(cluster.replica(0).stdout).toMatch(/its end is lost.*mended with the log of replica [12]/s)
    for (const id of [1, 2]) await cluster.replica(id).kill()
    await cluster.untilView([0])
    expect(await read()).toEqual(expected)
  })

  it('heals from a leader of a majority, without a vote until then', async () => {
    const { cluster, read } = await withMessages(['--mode', 'majority'])
    for (const id of all) await cluster.replica(id).kill()
    const { path } = await segmentOf(cluster, 0)
    await rm(path)
    const alone = [0, 1].map((id) => cluster.start(id))
    // One of three is whole: nobody may lead, whatever the other one would grant.
    await eventually('it waits for a proof', () =>
      alone[0]?.stdout.match(/replica 1 neither leads nor has an entry of a term after \d+/),
    )
    expect((await cluster.status(1))?.serving).toBe(false)
    cluster.start(2)
    await cluster.untilStatus(0, 'takes part', ({ leader }) => leader !== null)
    expect(cluster.replica(0).stdout).toMatch(/mended with the log of replica [12]/)
    await cluster.replica(2).kill()
    expect(await read()).toEqual(expected)
  })
})

describe('a replica whose disk fails', () => {
  it('stops and says so, though the next write would have succeeded; nothing that was acknowledged is lost', async () => {
    const cluster = await newCluster()
    const failing = fileURLToPath(new URL('./fixtures/failing-disk.mjs', import.meta.url))
    for (const id of all) cluster.start(id, ['--import', failing])
    const alice = await cluster.untilView(all).then(() => cluster.loggedIn('alice'))
    const bob = await cluster.loggedIn('bob')
    const sent: string[] = []
    const send = async (): Promise<void> => {
      const text = `message ${sent.length}`
      await alice.send('bob', text)
      sent.push(text)
    }
    for (let n = 0; n < 10; n++) await send()
    for (const which of ['the leader', 'a follower']) {
      const { id } = await cluster.untilView(all)
      const failed = which === 'the leader' ? id : (id + 1) % all.length
      await writeFile(join(cluster.dataDirectory, `fails-${failed}`), '')
      for (let n = 0; n < 10; n++) await send()
      const replica = cluster.replica(failed)
      expect(await replica.exited).toMatchObject({ code: 1 })
      const [halted] = replica.json.filter(({ event }) => event === 'replica.halted')
      expect(String(halted?.['reason'])).toMatch(/cannot write .*EIO/)
      cluster.start(failed, ['--import', failing])
    }
    await cluster.untilView(all)
    for (const id of all) await cluster.replica(id).kill()
    for (const id of all) cluster.start(id)
    await cluster.untilView(all)
    const found: string[] = []
    for await (const { text } of bob.inbox({ follow: false })) found.push(text)
    expect(found).toEqual(sent)
  })
})

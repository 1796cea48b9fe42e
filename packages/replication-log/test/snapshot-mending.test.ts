import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type Damage, type SnapshotCopy, type Storage, StorageError } from '../src/index.ts'
import { type DiskImage, FaultFileSystem } from '../src/testing/index.ts'
import { readAll } from './recorded-storage.ts'
import { command, openSample, sample, snapshotAt, takeSnapshot } from './sample.ts'

// Where nobody has the entries any more, the snapshot of another replica takes the place of what is lost; or all stays as it is.

function copyAt(index: number, term: number, change: Partial<SnapshotCopy> = {}): SnapshotCopy {
  async function* chunks(): AsyncGenerator<Uint8Array, void, void> {
    yield new TextEncoder().encode('state of ')
    yield new TextEncoder().encode('another')
  }
  return { clusterId: 'cluster', info: snapshotAt(index, term), chunks: chunks(), ...change }
}

function paths(image: DiskImage, end: string): string[] {
  return [...image.keys()].filter((path) => path.endsWith(end)).sort()
}

function flip(image: DiskImage, path: string, offset: number, bit = 1): DiskImage {
  const content = Uint8Array.from(image.get(path) ?? [])
  content[offset] = (content[offset] ?? 0) ^ (1 << bit)
  return new Map([...image, [path, content]])
}

/** Both snapshots. */
function withoutSnapshots(image: DiskImage): DiskImage {
  return paths(image, '.snap').reduce((damaged, path) => flip(damaged, path, 130), image)
}

/** Entries 5 to 12 after a log that was given up behind two snapshots, at 5 and at 11. */
async function compacted(): Promise<DiskImage> {
  const fileSystem = new FaultFileSystem({ image: await sample('closed'), pid: 2 })
  const storage = openSample(fileSystem)
  await storage.open({ tailBytes: 0 })
  await storage.persist({ entries: [command(11, 2, 3000), command(12, 2, 3000)] })
  await takeSnapshot(storage, snapshotAt(11, 2), 'state at eleven')
  await storage.compact(11)
  await storage.close()
  return withoutLock(fileSystem.image('durable'))
}

function withoutLock(image: DiskImage): DiskImage {
  return new Map([...image].filter(([path]) => !path.includes('lock-')))
}

async function refusal(storage: Storage): Promise<Damage> {
  const error: unknown = await storage.open({ tailBytes: 0 }).catch((reason: unknown) => reason)
  if (error instanceof StorageError && error.damage) return error.damage
  throw new Error(`refused as corrupt was expected, not ${String(error)}`)
}

/** What a damaged directory holds when this copy has mended it; null if it was of no use, and then nothing has changed. */
async function mended(
  image: DiskImage,
  copy: SnapshotCopy,
): Promise<{ readonly snapshot: unknown; readonly before: number; readonly indices: number[] } | null> {
  const fileSystem = new FaultFileSystem({ image, pid: 3 })
  const storage = openSample(fileSystem)
  const damage = await refusal(storage)
  const before = withoutLock(fileSystem.image('durable'))
  if (!(await storage.mend(damage, copy))) {
    if (!isDeepStrictEqual(withoutLock(fileSystem.image('durable')), before)) throw new Error('it changed')
    return null
  }
  const found = await readAll(storage)
  return {
    snapshot: found.snapshot,
    before: found.before.index,
    indices: found.entries.map(({ index }) => index),
  }
}

const state = (index: number, term: number): unknown => ({
  position: { index, term },
  bytes: 'state of another',
})

describe('a log whose snapshots are damaged', () => {
  it('goes on with what it has after a snapshot of another replica', async () => {
    const image = withoutSnapshots(await compacted())
    expect(await refusal(openSample(new FaultFileSystem({ image, pid: 3 })))).toMatchObject({
      from: 1,
      to: 4,
      needsSnapshot: true,
    })
    const all = [5, 6, 7, 8, 9, 10, 11, 12]
    for (const [index, term] of [
      [4, 1],
      [5, 2],
      [11, 2],
      [12, 2],
    ] as const)
      expect(await mended(image, copyAt(index, term))).toEqual({
        snapshot: state(index, term),
        before: 4,
        indices: all,
      })
  })

  it('gives way to one that is beyond its end, or that it does not agree with', async () => {
    const image = withoutSnapshots(await compacted())
    for (const [index, term] of [
      [13, 2],
      [500, 9],
      [12, 3],
    ] as const)
      expect(await mended(image, copyAt(index, term))).toEqual({
        snapshot: state(index, term),
        before: index,
        indices: [],
      })
  })

  it('takes none that is too old, of an older term, or of another cluster', async () => {
    const image = withoutSnapshots(await compacted())
    for (const copy of [
      copyAt(3, 1),
      copyAt(13, 1),
      copyAt(12, 1),
      copyAt(11, 2, { clusterId: 'another' }),
      copyAt(11, 2, { clusterId: '' }),
    ])
      expect(await mended(image, copy)).toBeNull()
  })

  it('says so and is as it was when the copy breaks off', async () => {
    const fileSystem = new FaultFileSystem({ image: withoutSnapshots(await compacted()), pid: 3 })
    const storage = openSample(fileSystem)
    const damage = await refusal(storage)
    const before = withoutLock(fileSystem.image('durable'))
    async function* chunks(): AsyncGenerator<Uint8Array, void, void> {
      yield new Uint8Array(10)
      throw new Error('the line was cut')
    }
    const broken = storage.mend(damage, copyAt(11, 2, { chunks: chunks() }))
    await expect(broken).rejects.toThrow('the line was cut')
    expect(withoutLock(fileSystem.image('durable'))).toEqual(before)
    expect(await storage.mend(damage, copyAt(11, 2))).toBe(true)
  })

  it('is whole or still damaged wherever the power fails meanwhile', async () => {
    const image = withoutSnapshots(await compacted())
    const fileSystem = new FaultFileSystem({ image, pid: 3 })
    const storage = openSample(fileSystem)
    const damage = await refusal(storage)
    const already = fileSystem.operations.length
    await storage.mend(damage, copyAt(11, 2))
    const disk = new FaultFileSystem({ image, pid: 4 })
    const ends = { whole: 0, damaged: 0 }
    for (const [count, operation] of fileSystem.operations.entries()) {
      disk.replay(operation)
      if (count < already) continue
      for (const crashed of disk.crashes()) {
        const again = openSample(new FaultFileSystem({ image: crashed, pid: 5 }))
        const opened = await again.open({ tailBytes: 0 }).catch((error: unknown) => error)
        const damaged = opened instanceof StorageError && opened.code === 'corrupt'
        ends[damaged ? 'damaged' : 'whole']++
        if (damaged) await again.mend({ file: '', from: 1, to: 4 }, copyAt(11, 2))
        expect(damaged ? await again.open({ tailBytes: 0 }) : opened).toMatchObject({
          snapshot: { index: 11 },
          last: { index: 12 },
        })
      }
    }
    expect(ends.whole).toBeGreaterThan(0)
    expect(ends.damaged).toBeGreaterThan(0)
  })
})

describe('a snapshot that was taken over from a leader and is damaged', () => {
  it.each(['before', 'after'] as const)(
    'is replaced by one that is no older, in every byte (%s the log was reset)',
    async (moment) => {
      const fileSystem = new FaultFileSystem({ image: await sample('closed'), pid: 2 })
      const storage = openSample(fileSystem)
      await storage.open({ tailBytes: 0 })
      await takeSnapshot(storage, snapshotAt(90, 4), 'of a leader')
      if (moment === 'after') await storage.resetToSnapshot()
      const image = withoutLock(fileSystem.image('durable'))
      const newest = paths(image, '.snap').at(-1) ?? ''
      const { length } = image.get(newest) ?? []
      for (let offset = 0; offset < (length ?? 0); offset++) {
        const damaged = flip(image, newest, offset, offset % 8)
        expect(await mended(damaged, copyAt(90, 4))).toMatchObject({ snapshot: state(90, 4), indices: [] })
        if (offset % 10 !== 0) continue
        expect(await mended(damaged, copyAt(95, 4))).toMatchObject({ snapshot: state(95, 4), before: 95 })
        expect(await mended(damaged, copyAt(89, 4))).toBeNull()
      }
    },
  )
})

describe('a log that is damaged together with its snapshots', () => {
  it('gives up what a snapshot of another replica has, and keeps the rest', async () => {
    const image = withoutSnapshots(await compacted())
    const [path = ''] = paths(image, '.seg').slice(-2)
    const content = Buffer.from(image.get(path) ?? [])
    // The payload of entry 8 is 200 times 0x48.
    const damaged = flip(image, path, content.indexOf(Buffer.alloc(8, 0x48)) + 5)
    const damage = await refusal(openSample(new FaultFileSystem({ image: damaged, pid: 3 })))
    expect(damage).toMatchObject({ from: 8, to: 8 })
    expect(await mended(damaged, copyAt(8, 2))).toEqual({
      snapshot: state(8, 2),
      before: 8,
      indices: [9, 10, 11, 12],
    })
    expect(await mended(damaged, copyAt(300, 2))).toEqual({
      snapshot: state(300, 2),
      before: 300,
      indices: [],
    })
    expect(await mended(damaged, copyAt(7, 2))).toBeNull()
  })

  it('stays refused where nobody can tell how much was confirmed', async () => {
    const image = await sample('closed')
    const path = paths(image, '.seg').at(-1) ?? ''
    const content = Buffer.from(image.get(path) ?? [])
    const last = content.lastIndexOf(Buffer.from([0xb1, 0x4c, 0x4f, 0x47]))
    const lost = new Map([...image, [path, content.fill(0xee, last, last + 64)]])
    expect(await mended(lost, copyAt(300, 9))).toBeNull()
  })

  it('that lost a segment goes on after the snapshot of another replica', async () => {
    const image = await sample('closed')
    const [, second = ''] = paths(image, '.seg')
    const lost = new Map([...withoutSnapshots(image)].filter(([path]) => path !== second))
    const damage = await refusal(openSample(new FaultFileSystem({ image: lost, pid: 3 })))
    expect(damage).toMatchObject({ from: 1, needsSnapshot: true })
    expect((await mended(lost, copyAt(9, 2)))?.indices).toContain(10)
  })
})

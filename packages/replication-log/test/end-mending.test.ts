import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import {
  type Damage,
  type Entry,
  type LogEndCopy,
  type Remedy,
  type SnapshotCopy,
  type Storage,
  StorageError,
} from '../src/index.ts'
import { type DiskImage, FaultFileSystem } from '../src/testing/index.ts'
import { type Content, readAll } from './recorded-storage.ts'
import { command, openSample, sample, snapshotAt } from './sample.ts'

// A log that is cut short says so, however it was cut, says what is known of what it lost, and goes on with the end of another replica's log, or stays as it is.

const last = 10

function storageOf(image: DiskImage): Storage {
  return openSample(new FaultFileSystem({ image, pid: 9 }))
}

function segments(image: DiskImage): string[] {
  return [...image.keys()].filter((path) => path.endsWith('.seg')).sort()
}

function cut(image: DiskImage, path: string, length: number): DiskImage {
  return new Map([...image, [path, Uint8Array.from(image.get(path)?.slice(0, length) ?? [])]])
}

function without(image: DiskImage, ...paths: string[]): DiskImage {
  return new Map([...image].filter(([path]) => !paths.includes(path)))
}

function withoutLock(image: DiskImage): DiskImage {
  return without(image, ...[...image.keys()].filter((path) => path.includes('lock-')))
}

/** Null: it opens. */
async function refusal(storage: Storage): Promise<Damage | null> {
  const error: unknown = await storage.open({ tailBytes: 0 }).catch((reason: unknown) => reason)
  if (!(error instanceof StorageError)) return null
  if (error.damage) return error.damage
  throw error
}

async function endOf(storage: Storage): Promise<NonNullable<Damage['end']>> {
  const end = (await refusal(storage))?.end
  if (!end) throw new Error('a refusal that tells of the end was expected')
  return end
}

async function contentOf(storage: Storage): Promise<Content> {
  const { incarnation: _, ...content } = await readAll(storage)
  return content
}

/** All that the sample ever had and kept, and some entries more, as a leader has them. */
async function entriesOfLeader(): Promise<Entry[]> {
  const { entries } = await contentOf(storageOf(await sample('closed')))
  return [...entries, command(11, 3, 100), command(12, 3, 2000)]
}

async function copyFrom(from: number, end: number = last): Promise<LogEndCopy> {
  const all = await entriesOfLeader()
  const entries = all.filter(({ index }) => index >= from && index <= end)
  return { clusterId: 'cluster', from, end, entries }
}

/** Mends what can be mended without others first, as a replica does. */
async function mendAll(
  storage: Storage,
  remedy: (end: NonNullable<Damage['end']>) => Promise<Remedy>,
): Promise<Damage[]> {
  const damages: Damage[] = []
  for (let damage = await refusal(storage); damage; damage = await refusal(storage)) {
    damages.push(damage)
    if (damages.length > 5) throw new Error(`not mended: ${JSON.stringify(damage)}`)
    if (await storage.mend(damage, 'directory')) continue
    if (!damage.end) throw new Error(`nothing is known of the end: ${JSON.stringify(damage)}`)
    expect(await storage.mend(damage, await remedy(damage.end))).toBe(true)
  }
  await storage.close()
  return damages
}

describe('a log that was cut short', () => {
  it('anywhere is refused, and whole again with the end of another', async () => {
    const image = await sample('closed')
    const whole = await contentOf(storageOf(image))
    const paths = segments(image)
    const ends = new Set<number>()
    const wrong: unknown[] = []
    for (const [at, path] of paths.entries()) {
      const later = without(image, ...paths.slice(at + 1))
      const { length } = image.get(path) ?? []
      for (let size = 0; size < (length ?? 0); size += size < 140 ? 3 : 197) {
        const fileSystem = new FaultFileSystem({ image: cut(later, path, size), pid: 9 })
        const storage = openSample(fileSystem)
        const damages = await mendAll(storage, ({ last: { index } }) => copyFrom(Math.max(1, index)))
        const end = damages.at(-1)?.end
        // What is cut off behind the last batch are zeros.
        if (end === undefined && at === paths.length - 1) continue
        ends.add(end?.last.index ?? -1)
        const { before, entries, ...content } = await contentOf(openSample(fileSystem))
        const expected = {
          hardState: whole.hardState,
          snapshot: whole.snapshot,
          entries: whole.entries.filter(({ index }) => index > before.index),
        }
        const known = isDeepStrictEqual([end?.term, end?.view?.index, end?.view?.term], [2, 1, 1])
        if (!known || before.index > 5 || !isDeepStrictEqual({ ...content, entries }, expected))
          wrong.push([path, size, end, before, content, entries])
      }
    }
    expect(wrong).toEqual([])
    // Wherever the log ended then; below 5 the snapshot is what is left.
    expect([...ends].sort((a, b) => a - b)).toEqual([5, 6, 7, 8, 9])
  })

  it('and has lost all of its files, goes on after its snapshot', async () => {
    const image = await sample('closed')
    const fileSystem = new FaultFileSystem({ image: without(image, ...segments(image)), pid: 9 })
    const storage = openSample(fileSystem)
    expect(await endOf(storage)).toEqual({
      clusterId: 'cluster',
      last: { index: 5, term: 2 },
      term: 2,
      view: { index: 1, term: 1, payload: new Uint8Array([7, 7, 7]) },
    })
    await mendAll(storage, () => copyFrom(6))
    const { before, entries, snapshot } = await contentOf(openSample(fileSystem))
    expect([before, entries.map(({ index }) => index)]).toEqual([{ index: 5, term: 2 }, [6, 7, 8, 9, 10]])
    expect(snapshot?.bytes).toBe('state at five')
  })

  it('and has nothing left at all, takes all of another', async () => {
    const image = await sample('closed')
    const lost = [...image.keys()].filter((path) => !path.includes('state-'))
    const fileSystem = new FaultFileSystem({ image: without(image, ...lost), pid: 9 })
    const storage = openSample(fileSystem)
    expect(await endOf(storage)).toEqual({
      clusterId: 'cluster',
      last: { index: 0, term: 0 },
      term: 2,
      view: { index: 1, term: 1, payload: null },
    })
    await mendAll(storage, () => copyFrom(1))
    expect((await contentOf(openSample(fileSystem))).entries).toEqual((await copyFrom(1)).entries)
  })

  it('keeps what it has in common with the copy and gives up the rest', async () => {
    const image = await sample('closed')
    const [, , third = ''] = segments(image)
    const fileSystem = new FaultFileSystem({ image: cut(image, third, 1500), pid: 9 })
    const storage = openSample(fileSystem)
    const all = await entriesOfLeader()
    const other = [...all.slice(0, 6), command(7, 4, 9), command(8, 4, 9)]
    await mendAll(storage, async () => ({
      clusterId: 'cluster',
      from: 3,
      end: 8,
      entries: other.slice(2),
    }))
    const { entries, hardState } = await contentOf(openSample(fileSystem))
    expect(entries).toEqual(other)
    // With the entries of a later term it has agreed to that term, in which it voted for nobody.
    expect(hardState).toEqual({ term: 4, votedFor: null, clusterId: 'cluster' })
  })

  it('may end where the other ends', async () => {
    const image = await sample('closed')
    const [, , third = ''] = segments(image)
    const fileSystem = new FaultFileSystem({ image: cut(image, third, 1500), pid: 9 })
    const storage = openSample(fileSystem)
    const end = (await endOf(storage)).last.index
    await mendAll(storage, () => copyFrom(end, end))
    expect((await contentOf(openSample(fileSystem))).entries).toEqual((await copyFrom(1, end)).entries)
  })

  it('takes no copy of another cluster, none that does not join, and none with a gap', async () => {
    const image = await sample('closed')
    const [, , third = ''] = segments(image)
    const fileSystem = new FaultFileSystem({ image: cut(image, third, 1500), pid: 9 })
    const storage = openSample(fileSystem)
    const damage = await refusal(storage)
    if (!damage?.end) throw new Error('it is not refused')
    const { index } = damage.end.last
    const right = await copyFrom(index)
    const before = withoutLock(fileSystem.image('durable'))
    const wrong: [string, LogEndCopy][] = [
      ['another cluster', { ...right, clusterId: 'other' }],
      ['no cluster', { ...right, clusterId: '' }],
      ['begins too late', await copyFrom(index + 1)],
      ['another term', { ...right, entries: right.entries.map((entry) => ({ ...entry, term: 9 })) }],
      ['does not reach its end', { ...right, end: last + 1 }],
      ['a gap', { ...right, entries: right.entries.filter((entry) => entry.index !== index + 1) }],
    ]
    for (const [what, copy] of wrong) expect([what, await storage.mend(damage, copy)]).toEqual([what, false])
    expect(withoutLock(fileSystem.image('durable'))).toEqual(before)
    expect(await storage.mend(damage, right)).toBe(true)
  })

  it('takes the snapshot of another for its ground when that is wanted, and stays refused until the end follows', async () => {
    const image = await sample('closed')
    const fileSystem = new FaultFileSystem({ image: without(image, ...segments(image).slice(1)), pid: 9 })
    const storage = openSample(fileSystem)
    const damage = await refusal(storage)
    if (!damage) throw new Error('it is not refused')
    async function* chunks(): AsyncGenerator<Uint8Array, void, void> {
      yield new TextEncoder().encode('state at nine')
    }
    const copy = (index: number, term: number): SnapshotCopy => ({
      clusterId: 'cluster',
      info: snapshotAt(index, term),
      chunks: chunks(),
    })
    expect(await storage.mend(damage, copy(9, 2))).toBe(false)
    for (const tooOld of [copy(5, 2), copy(9, 1)])
      expect(await storage.mend(damage, { ...tooOld, asGround: true })).toBe(false)
    expect(await storage.mend(damage, { ...copy(9, 2), asGround: true })).toBe(true)
    expect(await refusal(storage)).toMatchObject({ from: 10, end: { last: { index: 9, term: 2 } } })
    await mendAll(storage, () => copyFrom(10, 12))
    const { before, entries, snapshot } = await contentOf(openSample(fileSystem))
    expect([before.index, entries.map(({ index }) => index)]).toEqual([9, [10, 11, 12]])
    expect(snapshot).toEqual({ position: { index: 9, term: 2 }, bytes: 'state at nine' })
  })

  it('is refused or whole wherever the power fails while it is mended', async () => {
    const image = await sample('closed')
    const [, second = '', third = ''] = segments(image)
    const ends = { whole: 0, damaged: 0 }
    for (const lost of [cut(without(image, third), second, 900), without(image, ...segments(image))]) {
      const fileSystem = new FaultFileSystem({ image: lost, pid: 3 })
      const mending = openSample(fileSystem)
      const found = await refusal(mending)
      if (!found) throw new Error('it is not refused')
      const already = fileSystem.operations.length
      expect(await mending.mend(found, await copyFrom(5, 7))).toBe(true)
      const disk = new FaultFileSystem({ image: lost, pid: 4 })
      for (const [count, operation] of fileSystem.operations.entries()) {
        disk.replay(operation)
        if (count < already) continue
        for (const crashed of disk.crashes()) {
          const after = new FaultFileSystem({ image: crashed, pid: 5 })
          const damages = await mendAll(openSample(after), () => copyFrom(5, 7))
          ends[damages.length > 0 ? 'damaged' : 'whole']++
          const { entries } = await contentOf(openSample(after))
          expect(entries.map(({ index }) => index).slice(-2)).toEqual([6, 7])
        }
      }
    }
    expect(ends.whole).toBeGreaterThan(0)
    expect(ends.damaged).toBeGreaterThan(0)
  })
})

describe('a log that lost something in its middle', () => {
  it('that nobody can put back goes on from there with the end of another', async () => {
    const image = await sample('closed')
    const [, second = ''] = segments(image)
    const fileSystem = new FaultFileSystem({ image: without(image, second), pid: 9 })
    const whole = await contentOf(storageOf(image))
    const damages = await mendAll(openSample(fileSystem), () => copyFrom(1, 12))
    expect(damages[0]).toMatchObject({ needsSnapshot: true })
    expect(whole.entries).toHaveLength(last)
  })
})

describe('a view', () => {
  const view = (index: number, term: number): Entry => ({
    ...command(index, term, 40),
    kind: 'view',
  })

  it('is known to have been there when the log is cut before it, also after a power cut', async () => {
    const fileSystem = new FaultFileSystem({ image: await sample('closed'), pid: 2 })
    const storage = openSample(fileSystem)
    await storage.open({ tailBytes: 0 })
    await storage.persist({ entries: [command(11, 2, 10)] })
    await storage.persist({ entries: [view(12, 2), command(13, 2, 10)] })
    await storage.persist({ entries: [command(14, 2, 10)] })
    const image = withoutLock(fileSystem.image('durable'))
    const path = segments(image).at(-1) ?? ''
    const content = Buffer.from(image.get(path) ?? [])
    const at = content.indexOf(Buffer.alloc(40, 0x40 + 12))
    for (const size of [at - 80, at, at + 40])
      expect(await endOf(storageOf(cut(image, path, size)))).toMatchObject({
        last: { index: 11 },
        view: { index: 12, term: 2, payload: null },
      })
    // What came after the view was in a write of its own: whether it was confirmed nobody can tell.
    expect(
      await refusal(storageOf(cut(image, path, content.indexOf(Buffer.alloc(10, 0x40 + 14))))),
    ).toBeNull()
  })

  it('that was truncated is not known any more', async () => {
    const fileSystem = new FaultFileSystem({ image: await sample('closed'), pid: 2 })
    const storage = openSample(fileSystem)
    await storage.open({ tailBytes: 0 })
    await storage.persist({ entries: [view(11, 2)] })
    await storage.persist({ truncateFrom: 11, entries: [command(11, 3, 10)] })
    const image = withoutLock(fileSystem.image('durable'))
    const path = segments(image).at(-1) ?? ''
    expect(await endOf(storageOf(cut(image, path, 70)))).toMatchObject({ view: { index: 1, term: 1 } })
  })

  it('that came with a snapshot is known', async () => {
    const fileSystem = new FaultFileSystem({ image: await sample('closed'), pid: 2 })
    const storage = openSample(fileSystem)
    await storage.open({ tailBytes: 0 })
    const writer = await storage.createSnapshot({
      ...snapshotAt(90, 4),
      viewPosition: { index: 80, term: 4 },
    })
    await writer.commit()
    await storage.resetToSnapshot()
    await storage.persist({ entries: [command(91, 4, 10)] })
    await storage.close()
    const image = withoutLock(fileSystem.image('durable'))
    expect(await endOf(storageOf(without(image, segments(image).at(-1) ?? '')))).toMatchObject({
      last: { index: 90, term: 4 },
      view: { index: 80, term: 4, payload: new Uint8Array([7, 7, 7]) },
    })
  })
})

describe('a damaged log', () => {
  it('gives away what is whole before the damage, as long as it is not open, and nothing else', async () => {
    const image = await sample('closed')
    const [path = ''] = segments(image).slice(-1)
    const content = Buffer.from(image.get(path) ?? [])
    // The payload of entry 8 is 200 times 0x48; entry 7 is in a batch before.
    content.writeUInt8(0, content.indexOf(Buffer.alloc(8, 0x48)) + 5)
    const fileSystem = new FaultFileSystem({ image: new Map([...image, [path, content]]), pid: 9 })
    const storage = openSample(fileSystem)
    await expect(storage.salvage?.(1, 10_000)).rejects.toMatchObject({ code: 'closed' })
    expect(await refusal(storage)).toMatchObject({ from: 8 })
    const { entries } = await copyFrom(1, 7)
    expect(await storage.salvage?.(1, 10_000)).toEqual({ clusterId: 'cluster', entries })
    expect((await storage.salvage?.(3, 1))?.entries).toEqual(entries.slice(2, 3))
    expect((await storage.salvage?.(8, 10_000))?.entries).toEqual([])
    const copy = { clusterId: 'cluster', entries: (await copyFrom(8)).entries }
    expect(await storage.mend({ file: path, from: 8, to: 8 }, copy)).toBe(true)
    await storage.open({ tailBytes: 0 })
    await expect(storage.salvage?.(1, 10_000)).rejects.toMatchObject({ code: 'closed' })
  })

  it('gives away nothing that rots on meanwhile', async () => {
    const image = await sample('closed')
    const [first = '', second = ''] = segments(image)
    const fileSystem = new FaultFileSystem({ image: without(image, second), pid: 9 })
    const storage = openSample(fileSystem)
    await refusal(storage)
    const last3 = (await copyFrom(7)).entries
    expect((await storage.salvage?.(7, 10_000))?.entries).toEqual(last3)
    const [third = ''] = segments(image).slice(-1)
    const file = await fileSystem.open(third, 'write')
    await file.write(new Uint8Array(3000), 64)
    await file.close()
    expect((await storage.salvage?.(7, 10_000))?.entries).toEqual([])
    expect(first).not.toBe(third)
  })
})

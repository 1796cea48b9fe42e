import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type Damage, type Entry, type EntryCopy, type Storage, StorageError } from '../src/index.ts'
import { type DiskImage, FaultFileSystem } from '../src/testing/index.ts'
import { type Content, readAll } from './recorded-storage.ts'
import { command, openSample, sample } from './sample.ts'

// What is damaged is put back as it was, from the entries that another replica has, or it stays as it is.

function storageOf(image: DiskImage, notices: string[] = []): Storage {
  return openSample(new FaultFileSystem({ image, pid: 9 }), (notice) => notices.push(notice))
}

async function refusal(storage: Storage): Promise<Damage> {
  const error: unknown = await storage.open({ tailBytes: 0 }).catch((reason: unknown) => reason)
  if (error instanceof StorageError && error.damage) return error.damage
  throw new Error(`refused as corrupt was expected, not ${String(error)}`)
}

async function contentOf(storage: Storage): Promise<Content> {
  const { incarnation: _, ...content } = await readAll(storage)
  return content
}

function edit(image: DiskImage, path: string, change: (content: Buffer) => unknown): DiskImage {
  const content = Buffer.from(image.get(path) ?? [])
  change(content)
  return new Map([...image, [path, content]])
}

function segments(image: DiskImage): string[] {
  return [...image.keys()].filter((path) => path.endsWith('.seg')).sort()
}

/** What a replica has that never lost anything, and never had what was truncated. */
async function peer(): Promise<EntryCopy> {
  const { entries } = await contentOf(storageOf(await sample('closed')))
  return { clusterId: 'cluster', entries }
}

describe('flipped bits', () => {
  it.each(['closed', 'power cut'] as const)(
    'anywhere in the log are put right, with the entries of a peer or without (%s)',
    async (end) => {
      const image = await sample(end)
      const expected = await contentOf(storageOf(image))
      const copy = await peer()
      const left: string[] = []
      let alone = 0
      let fetched = 0
      for (const path of segments(image)) {
        const content = image.get(path) ?? new Uint8Array(0)
        for (let offset = 0; offset < content.length; offset++) {
          const inRun = content[offset] === content[offset - 1] && content[offset] === content[offset + 1]
          if (inRun && offset % 16 !== 0) continue
          const bit = (offset + 5) % 8
          const damaged = edit(image, path, (bytes) =>
            bytes.writeUInt8(bytes.readUInt8(offset) ^ (1 << bit), offset),
          )
          const storage = storageOf(damaged)
          const opened = await storage.open({ tailBytes: 0 }).then(
            () => null,
            (error: unknown) => error,
          )
          if (opened === null) continue
          if (!(opened instanceof StorageError) || !opened.damage)
            throw new Error('not refused as corrupt', { cause: opened })
          if (await storage.mend(opened.damage, 'directory')) alone++
          else if (await storage.mend(opened.damage, copy)) fetched++
          else {
            left.push(`${path} ${offset}: ${opened.message}`)
            continue
          }
          const found = await contentOf(storage)
          const same = isDeepStrictEqual(found, expected)
          expect(same ? null : found).toEqual(same ? null : expected)
        }
      }
      expect(left).toEqual([])
      expect([alone > 100, fetched > 100]).toEqual([true, true])
    },
    60_000,
  )
})

/** Three batches of one entry each, and what a peer has of them. */
async function threeBatches(): Promise<{
  image: DiskImage
  path: string
  copy: EntryCopy
  content: Content
}> {
  const fileSystem = new FaultFileSystem()
  const storage = openSample(fileSystem)
  await storage.open({ tailBytes: 0 })
  await storage.persist({ hardState: { term: 1, votedFor: 0, clusterId: 'cluster' }, entries: [] })
  const entries = [command(1, 1, 700), command(2, 1, 700), command(3, 2, 700)]
  for (const entry of entries) await storage.persist({ entries: [entry] })
  await storage.close()
  const image = fileSystem.image('durable')
  const content = await contentOf(storageOf(image))
  return { image, path: segments(image)[0] ?? '', copy: { clusterId: 'cluster', entries }, content }
}

/** Where the batch with this entry begins, its header and all. */
function placeOf(image: DiskImage, path: string, index: number): number {
  return Buffer.from(image.get(path) ?? []).indexOf(Buffer.alloc(8, 0x40 + index)) - 64 - 24
}

describe('a lost batch', () => {
  it('whose header is lost, too, is written anew if the copy agrees before it and after it', async () => {
    const { image, path, copy, content } = await threeBatches()
    const at = placeOf(image, path, 2)
    const storage = storageOf(edit(image, path, (bytes) => bytes.fill(0, at, at + 512)))
    const damage = await refusal(storage)
    expect(damage).toMatchObject({ from: 2, to: 2 })
    const wrong: [string, EntryCopy][] = [
      ['another cluster', { ...copy, clusterId: 'other' }],
      ['no cluster', { ...copy, clusterId: '' }],
      ['nothing', { ...copy, entries: [] }],
      ['not the entry before', { ...copy, entries: copy.entries.slice(1) }],
      ['another term before', { ...copy, entries: [command(1, 9, 700), ...copy.entries.slice(1)] }],
      ['another term after', { ...copy, entries: [...copy.entries.slice(0, 1), command(2, 2, 700)] }],
      [
        'more than there was room for',
        { ...copy, entries: [...copy.entries.slice(0, 1), command(2, 1, 701)] },
      ],
    ]
    for (const [what, each] of wrong) expect([what, await storage.mend(damage, each)]).toEqual([what, false])
    expect(await storage.mend(damage, 'directory')).toBe(false)
    expect(await storage.mend(damage, copy)).toBe(true)
    expect(await contentOf(storage)).toEqual(content)
  })

  it('whose header is there takes back the original and nothing else', async () => {
    const { image, path, copy, content } = await threeBatches()
    const last = placeOf(image, path, 3)
    const storage = storageOf(edit(image, path, (bytes) => bytes.fill(0, last + 100, last + 700)))
    const damage = await refusal(storage)
    const others: Entry[] = [command(3, 3, 700), command(3, 2, 699), { ...command(3, 2, 700), time: 0 }]
    for (const entry of others) expect(await storage.mend(damage, { ...copy, entries: [entry] })).toBe(false)
    expect(await storage.mend(damage, copy)).toBe(true)
    expect(await contentOf(storage)).toEqual(content)
  })

  it('at the very end, header and all, stays lost: nobody can tell what this replica had confirmed', async () => {
    const { image, path, copy } = await threeBatches()
    const at = placeOf(image, path, 3)
    const storage = storageOf(edit(image, path, (bytes) => bytes.fill(0x55, at, at + 512)))
    const damage = await refusal(storage)
    expect(damage).toMatchObject({ from: 3, to: null })
    expect(await storage.mend(damage, copy)).toBe(false)
  })

  it('is given up if a snapshot has its entries and no copy can be had', async () => {
    const { image, path, content } = await threeBatches()
    const fileSystem = new FaultFileSystem({ image, pid: 5 })
    const before = openSample(fileSystem)
    await before.open({ tailBytes: 0 })
    const writer = await before.createSnapshot({
      index: 2,
      term: 1,
      time: 0,
      view: new Uint8Array(0),
      viewPosition: { index: 0, term: 0 },
    })
    await writer.commit()
    await before.close()
    const withSnapshot = fileSystem.image('durable')
    const storage = storageOf(
      edit(withSnapshot, path, (bytes) =>
        bytes.fill(0, placeOf(image, path, 2) + 70, placeOf(image, path, 2) + 80),
      ),
    )
    const damage = await refusal(storage)
    expect(await storage.mend(damage, 'snapshot')).toBe(true)
    const after = await contentOf(storage)
    expect([after.before, after.entries]).toEqual([{ index: 2, term: 1 }, content.entries.slice(2)])
    const without = storageOf(
      edit(image, path, (bytes) => bytes.fill(0, placeOf(image, path, 2) + 70, placeOf(image, path, 2) + 80)),
    )
    expect(await without.mend(await refusal(without), 'snapshot')).toBe(false)
  })

  it('is one of several: each is mended by itself', async () => {
    const { image, path, copy, content } = await threeBatches()
    const storage = storageOf(
      edit(image, path, (bytes) => {
        for (const index of [1, 2, 3])
          bytes.fill(0xee, placeOf(image, path, index) + 70, placeOf(image, path, index) + 80)
      }),
    )
    for (const index of [1, 2, 3]) {
      const damage = await refusal(storage)
      expect(damage).toMatchObject({ from: index, to: index })
      expect(await storage.mend(damage, copy)).toBe(true)
    }
    expect(await contentOf(storage)).toEqual(content)
  })

  it('leaves the directory as it was when it cannot be mended', async () => {
    const { image, path, copy } = await threeBatches()
    const damaged = edit(image, path, (bytes) =>
      bytes.fill(0, placeOf(image, path, 2) + 70, placeOf(image, path, 2) + 80),
    )
    const fileSystem = new FaultFileSystem({ image: damaged, pid: 6 })
    const storage = openSample(fileSystem)
    const damage = await refusal(storage)
    const before = fileSystem.image('durable')
    expect(await storage.mend(damage, { ...copy, entries: [] })).toBe(false)
    expect(await storage.mend(damage, 'snapshot')).toBe(false)
    expect(fileSystem.image('durable')).toEqual(before)
  })
})

it('is refused while the storage is open, and finds nothing to do where nothing is damaged', async () => {
  const { image, copy } = await threeBatches()
  const storage = storageOf(image)
  const damage = { file: '', from: 1, to: 1 }
  expect(await storage.mend(damage, copy)).toBe(false)
  await storage.open({ tailBytes: 0 })
  await expect(storage.mend(damage, copy)).rejects.toMatchObject({ code: 'invalid' })
})

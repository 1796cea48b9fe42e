import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { StorageError } from '../src/index.ts'
import { type DiskImage, FaultFileSystem, fingerprint } from '../src/testing/index.ts'
import { type Content, readAll } from './recorded-storage.ts'
import { command, directory, openSample, sample, snapshotAt, takeSnapshot } from './sample.ts'

// Whatever is damaged: it is mended from the other copy, or named and refused. Never is anything else served than what was written.

type Outcome = { readonly content: Content; readonly notices: string[] } | StorageError

async function open(image: DiskImage): Promise<Outcome> {
  const notices: string[] = []
  const fileSystem = new FaultFileSystem({ image, pid: 9 })
  const storage = openSample(fileSystem, (notice) => notices.push(notice))
  try {
    const { incarnation: _, ...content } = await readAll(storage)
    return { content, notices }
  } catch (error) {
    if (error instanceof StorageError) return error
    throw error
  }
}

async function contentOf(image: DiskImage): Promise<Content> {
  const outcome = await open(image)
  if (outcome instanceof StorageError) throw outcome
  return outcome.content
}

function change(image: DiskImage, path: string, edit: (content: Uint8Array) => Uint8Array): DiskImage {
  const content = image.get(path)
  if (!content) throw new Error(`no file ${path}`)
  return new Map([...image, [path, edit(Uint8Array.from(content))]])
}

function flip(image: DiskImage, path: string, offset: number, bit: number): DiskImage {
  return change(image, path, (content) => {
    content[offset] = (content[offset] ?? 0) ^ (1 << bit)
    return content
  })
}

function without(image: DiskImage, path: string): DiskImage {
  return new Map([...image].filter(([each]) => each !== path))
}

function files(image: DiskImage, pattern: RegExp): string[] {
  return [...image.keys()].filter((path) => pattern.test(path)).sort()
}

/** Two bits of every byte, all eight in turn; of runs of equal bytes, one bit of a byte now and then. */
function* bits(content: Uint8Array, stride = 16): Generator<[offset: number, bit: number]> {
  for (let offset = 0; offset < content.length; offset++) {
    const inRun = content[offset] === content[offset - 1] && content[offset] === content[offset + 1]
    if (!inRun) yield [offset, (offset + 3) % 8]
    if (!inRun || offset % stride === 0) yield [offset, (inRun ? offset / stride : offset) % 8]
  }
}

/** As `toEqual`, but fast for bytes. */
function expectSame(found: Content, expected: Content): void {
  const same = isDeepStrictEqual(found, expected)
  expect(same ? null : found).toEqual(same ? null : expected)
}

function usedBytes(content: Uint8Array): number {
  return content.findLastIndex((byte) => byte !== 0) + 1
}

describe('flipped bits', () => {
  it.each(['closed', 'power cut'] as const)(
    'finds flipped bits in the log, and names what is lost (%s)',
    async (end) => {
      const image = await sample(end)
      const expected = await contentOf(image)
      const missed: string[] = []
      for (const path of files(image, /\.seg$/)) {
        const content = image.get(path) ?? new Uint8Array(0)
        const used = usedBytes(content)
        for (const [offset, bit] of bits(content)) {
          const outcome = await open(flip(image, path, offset, bit))
          const named =
            outcome instanceof StorageError &&
            outcome.code === 'corrupt' &&
            outcome.damage?.file !== undefined
          // Only where nothing was written yet may a flipped bit be without consequence.
          const harmless =
            !(outcome instanceof StorageError) &&
            offset >= used &&
            isDeepStrictEqual(outcome.content, expected)
          if (!named && !harmless) missed.push(`bit ${bit} of byte ${offset} of ${path}`)
        }
      }
      expect(missed).toEqual([])
    },
    120_000,
  )

  it('mends flipped bits in the state from its other copy, so that the other may be hit next', async () => {
    const image = await sample('closed')
    const expected = await contentOf(image)
    for (const [one, other] of [
      ['state-a', 'state-b'],
      ['state-b', 'state-a'],
    ] as const) {
      const path = `${directory}/${one}`
      for (const [offset, bit] of bits(image.get(path) ?? new Uint8Array(0), 128)) {
        const fileSystem = new FaultFileSystem({ image: flip(image, path, offset, bit), pid: 8 })
        const { incarnation, ...content } = await readAll(openSample(fileSystem))
        expectSame(content, expected)
        const again = new FaultFileSystem({
          image: without(fileSystem.image('durable'), `${directory}/${other}`),
          pid: 9,
        })
        expect((await readAll(openSample(again))).incarnation).toBe(incarnation + 1)
      }
    }
  }, 120_000)

  it('falls back to the older snapshot for flipped bits in the newest, since the log still leads on from there', async () => {
    const image = await sample('closed')
    const expected = await contentOf(image)
    const [older, newest] = files(image, /\.snap$/)
    for (const [offset, bit] of bits(image.get(newest ?? '') ?? new Uint8Array(0))) {
      const outcome = await open(flip(image, newest ?? '', offset, bit))
      if (outcome instanceof StorageError) throw outcome
      expectSame(outcome.content, {
        ...expected,
        snapshot: { position: { index: 3, term: 1 }, bytes: 'state at three' },
      })
      expect(outcome.notices.join()).toContain('is damaged')
    }
    for (const [offset, bit] of bits(image.get(older ?? '') ?? new Uint8Array(0))) {
      expectSame(await contentOf(flip(image, older ?? '', offset, bit)), expected)
    }
  }, 120_000)
})

it('names the entries that are lost', async () => {
  const image = await sample('closed')
  const [first] = files(image, /\.seg$/)
  const content = image.get(first ?? '') ?? new Uint8Array(0)
  // The payload of entry 4 is 500 times 0x44.
  const outcome = await open(
    flip(image, first ?? '', Buffer.from(content).indexOf(Buffer.alloc(8, 0x44)) + 10, 3),
  )
  expect(outcome).toMatchObject({ code: 'corrupt', damage: { file: 'log-0000000001.seg', from: 4, to: 5 } })
})

it('refuses when both copies of the state are damaged', async () => {
  const image = await sample('closed')
  const both = (offset: number): DiskImage =>
    flip(flip(image, `${directory}/state-a`, offset, 0), `${directory}/state-b`, offset, 0)
  expect(await open(both(20))).toMatchObject({ code: 'corrupt', damage: { from: null } })
  const slots = await open(both(4096 + 20))
  // One slot of each file is the one before: it may only be taken if the log does not know of a newer state.
  expect(slots instanceof StorageError || slots.content.hardState.term === 2).toBe(true)
  const gone = without(without(image, `${directory}/state-a`), `${directory}/state-b`)
  expect(await open(gone)).toMatchObject({ code: 'corrupt' })
})

it('refuses state files that are older than the log', async () => {
  const fileSystem = new FaultFileSystem()
  const storage = openSample(fileSystem)
  await storage.open({ tailBytes: 0 })
  const old = fileSystem.image('durable')
  await storage.persist({ hardState: { term: 5, votedFor: 1, clusterId: '' }, entries: [] })
  await storage.persist({ hardState: { term: 6, votedFor: 1, clusterId: '' }, entries: [] })
  await storage.persist({
    entries: [{ index: 1, term: 6, time: 0, kind: 'noop', payload: new Uint8Array(0) }],
  })
  const image = new Map(fileSystem.image('durable'))
  for (const path of files(image, /state-/)) image.set(path, old.get(path) ?? new Uint8Array(0))
  expect(await open(image)).toMatchObject({ code: 'corrupt' })
})

it('refuses a log that ends before it was known to be durable', async () => {
  const image = await sample('closed')
  for (const path of files(image, /\.seg$/)) {
    const used = usedBytes(image.get(path) ?? new Uint8Array(0))
    for (const size of [0, 1, 63, 64, 65, 200, used - 600, used - 1]) {
      if (size >= used || size < 0) continue
      expect(
        await open(change(image, path, (content) => content.subarray(0, size))),
        `${path} cut to ${size}`,
      ).toMatchObject({ code: 'corrupt' })
    }
  }
  const [first, ...later] = files(image, /\.seg$/)
  for (const path of later)
    expect(await open(without(image, path)), `${path} missing`).toMatchObject({ code: 'corrupt' })
  // Without the first one nothing is lost: all its entries are in the snapshot, too.
  expect((await contentOf(without(image, first ?? ''))).before.index).toBe(4)
})

it('refuses a log with a sector that was never written, or went to another place', async () => {
  const image = await sample('closed')
  for (const path of files(image, /\.seg$/)) {
    const used = usedBytes(image.get(path) ?? new Uint8Array(0))
    for (let sector = 0; sector * 512 < used; sector++) {
      const [start, end] = [sector * 512, sector * 512 + 512]
      const zeroed = change(image, path, (content) => content.fill(0, start, end))
      const moved = change(image, path, (content) => content.copyWithin(start, end, end + 512))
      // In a long payload one sector is like the next.
      for (const damaged of [zeroed, moved].filter((each) => fingerprint(each) !== fingerprint(image))) {
        expect(await open(damaged), `sector ${sector} of ${path}`).toMatchObject({ code: 'corrupt' })
      }
    }
  }
})

it('knows after a power cut that all but the last write were durable', async () => {
  const image = await sample('power cut')
  const path = files(image, /\.seg$/).at(-1) ?? ''
  // Entries 7 to 9 were one write; entry 10 was written after it.
  expect(await open(change(image, path, (content) => content.fill(0, 1024, 1536)))).toMatchObject({
    code: 'corrupt',
    damage: { to: 8 },
  })
})

it('can still fall back to the older snapshot after the log was compacted', async () => {
  const fileSystem = new FaultFileSystem({ image: await sample('closed'), pid: 2 })
  const storage = openSample(fileSystem)
  await storage.open({ tailBytes: 0 })
  await storage.persist({ entries: [command(11, 2, 3000), command(12, 2, 3000)] })
  await takeSnapshot(storage, snapshotAt(11, 2), 'state at eleven')
  await storage.compact(11)
  const image = fileSystem.image('durable')
  const { before } = await contentOf(image)
  const fallback = await contentOf(flip(image, files(image, /\.snap$/).at(-1) ?? '', 140, 1))
  expect([before.index, fallback.snapshot?.position.index, fallback.entries.at(-1)?.index]).toEqual([
    4, 5, 12,
  ])
})

it('refuses files that belong elsewhere', async () => {
  const image = await sample('closed')
  const other = await sample('closed')
  const [first, second] = files(image, /\.seg$/)
  const swapped = new Map(image)
  swapped.set(first ?? '', image.get(second ?? '') ?? new Uint8Array(0))
  expect(await open(swapped)).toMatchObject({ code: 'corrupt' })
  for (const path of [...files(image, /\.seg$/), `${directory}/state-a`]) {
    const foreign = new Map([...image, [path, other.get(path) ?? new Uint8Array(0)]])
    expect(await open(foreign), `${path} of another directory`).toMatchObject({ code: 'corrupt' })
  }
})

it('refuses to fall back to a snapshot that would forget what was promised', async () => {
  const fileSystem = new FaultFileSystem({ image: await sample('closed'), pid: 2 })
  const storage = openSample(fileSystem)
  await storage.open({ tailBytes: 0 })
  const writer = await storage.createSnapshot({
    index: 90,
    term: 4,
    time: 0,
    view: new Uint8Array(0),
    viewPosition: { index: 1, term: 1 },
  })
  await writer.write(new Uint8Array(10))
  await writer.commit()
  const before = fileSystem.image('durable')
  await storage.resetToSnapshot()
  const after = fileSystem.image('durable')
  for (const image of [before, after]) {
    const newest = files(image, /\.snap$/).at(-1) ?? ''
    expect(await open(flip(image, newest, 150, 1))).toMatchObject({ code: 'corrupt', damage: { to: 90 } })
  }
})

it('takes a zeroed sector of the very last write for a torn one: that is what FORMAT.md says cannot be told apart', async () => {
  const image = await sample('power cut')
  const path = files(image, /\.seg$/).at(-1) ?? ''
  const used = usedBytes(image.get(path) ?? new Uint8Array(0))
  const content = await contentOf(change(image, path, (bytes) => bytes.fill(0, used - 132)))
  expect(content.entries.at(-1)?.index).toBe(9)
})

describe('damage under an open storage', () => {
  it('is found by the read that meets it, and the rest can still be read', async () => {
    const fileSystem = new FaultFileSystem({ image: await sample('closed'), pid: 2 })
    const storage = openSample(fileSystem)
    await storage.open({ tailBytes: 0 })
    const path = `${directory}/log-0000000001.seg`
    fileSystem.flip(path, 64 + 64 + 30)
    await expect(storage.read(1, 100)).rejects.toMatchObject({ code: 'corrupt', damage: { from: 1, to: 2 } })
    expect((await storage.read(7, 100))[0]?.index).toBe(7)
    await storage.close()
  })

  it('is found in a snapshot while it is read', async () => {
    const image = await sample('closed')
    const path = files(image, /\.snap$/).at(-1) ?? ''
    const size = image.get(path)?.length ?? 0
    const fileSystem = new FaultFileSystem({ image, pid: 2 })
    const storage = openSample(fileSystem)
    await storage.open({ tailBytes: 0 })
    fileSystem.flip(path, size - 40)
    const read = async (): Promise<void> => {
      for await (const chunk of storage.readSnapshot(0)) expect(chunk).toBeUndefined()
    }
    await expect(read()).rejects.toMatchObject({ code: 'corrupt' })
    await storage.close()
  })

  it('is an error of reading, too', async () => {
    const fileSystem = new FaultFileSystem({ image: await sample('closed'), pid: 2 })
    const storage = openSample(fileSystem)
    await storage.open({ tailBytes: 0 })
    fileSystem.fault = (operation) =>
      operation.type === 'read' && operation.path.endsWith('.seg') ? 'EIO' : null
    await expect(storage.read(1, 100)).rejects.toMatchObject({ code: 'corrupt' })
  })
})

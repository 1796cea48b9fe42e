import { expect, it } from 'vitest'
import { openFileStorage } from '../src/file/index.ts'
import type { Entry, Storage } from '../src/index.ts'
import { type DiskImage, FaultFileSystem, fingerprint } from '../src/testing/index.ts'
import { type Content, describe as inWords, RecordedStorage, readAll } from './recorded-storage.ts'

// Every disk that a power cut could leave at any moment of a piece of work has to open to something that was asked for, and holds everything that was promised.

const directory = '/data'

function open(fileSystem: FaultFileSystem): Storage {
  return openFileStorage({
    directory,
    replicaId: 1,
    segmentBytes: 4096,
    preallocateBytes: 1024,
    batchBytes: 600,
    fileSystem,
  })
}

function entries(first: number, last = first, term = 99, bytes = 90): Entry[] {
  return Array.from({ length: last - first + 1 }, (_, count) => ({
    index: first + count,
    term,
    time: first + count,
    kind: 'command' as const,
    payload: new Uint8Array(bytes).fill(0x61 + ((first + count) % 26)),
  }))
}

function info(index: number, term: number): Parameters<Storage['createSnapshot']>[0] {
  return { index, term, time: index, view: new Uint8Array([1, 2, 3]), viewPosition: { index: 1, term: 1 } }
}

type Found = Awaited<ReturnType<typeof readAll>>
type Work = (storage: RecordedStorage) => Promise<void>

/** Does everything a storage can be asked for, with groups of several batches and sectors, and rolls over to new segments. */
const everything: Work = async (storage) => {
  await storage.persist({ hardState: { term: 1, votedFor: 1, clusterId: '' }, entries: [] })
  await storage.persist({ entries: entries(1, 1, 1) })
  await Promise.all([
    storage.persist({ entries: entries(2, 3, 1) }),
    storage.persist({ entries: entries(4, 9, 1) }),
    storage.persist({ hardState: { term: 2, votedFor: null, clusterId: 'c' }, entries: entries(10, 10, 2) }),
    storage.persist({ truncateFrom: 8, entries: entries(8, 9, 2, 300) }),
  ])
  await storage.persist({ truncateFrom: 5, entries: [] })
  await storage.persist({ entries: entries(5, 5, 3, 900) })
  await storage.persist({ entries: entries(6, 6, 3, 900) })
  await storage.restart()
  await storage.persist({ entries: entries(7, 8, 3, 400) })
  await storage.snapshot(info(4, 1), 'four '.repeat(100))
  await storage.compact(4)
  await storage.persist({ entries: entries(9, 9, 3, 1000) })
  await storage.persist({
    truncateFrom: 9,
    hardState: { term: 4, votedFor: 0, clusterId: 'c' },
    entries: entries(9, 10, 4, 800),
  })
  await storage.snapshot(info(8, 3), 'eight '.repeat(60))
  await storage.compact(8)
  await storage.persist({ entries: entries(11, 12, 4, 900) })
  await storage.restart()
  await storage.restart()
  await storage.snapshot(info(12, 4), 'twelve')
  await storage.compact(12)
  await storage.persist({ entries: entries(13, 13, 4, 10) })
  await storage.snapshot(info(40, 7), 'from another replica')
  await storage.reset()
  await storage.persist({ entries: entries(41, 42, 7, 20) })
  await storage.snapshot(info(42, 7), 'own again')
  await storage.reset()
  await storage.compact(42)
  await storage.persist({ entries: entries(43, 44, 8, 1500) })
  await Promise.all([
    storage.persist({ entries: entries(45, 47, 8, 250) }),
    storage.persist({ truncateFrom: 46, hardState: { term: 9, votedFor: 2, clusterId: 'd' }, entries: [] }),
    storage.persist({ entries: entries(46, 60, 9, 130) }),
  ])
  await storage.persist({ truncateFrom: 43, entries: entries(43, 50, 10, 300) })
  await storage.snapshot(info(45, 10), 'forty-five '.repeat(50))
  await storage.compact(45)
  await storage.persist({ entries: entries(51, 52, 10, 200) })
}

async function record(work: Work): Promise<{ storage: RecordedStorage; fileSystem: FaultFileSystem }> {
  const fileSystem = new FaultFileSystem()
  const storage = new RecordedStorage(fileSystem, () => open(fileSystem))
  await storage.open()
  await work(storage)
  await storage.close()
  return { storage, fileSystem }
}

/** After each operation: the disk as the operations before left it, with what was not synced. */
function* moments(fileSystem: FaultFileSystem): Generator<{ operations: number; disk: FaultFileSystem }> {
  const disk = new FaultFileSystem({ pid: 2 })
  for (const [count, operation] of fileSystem.operations.entries()) {
    disk.replay(operation)
    yield { operations: count + 1, disk }
  }
}

/** Whether this disk with these demands comes for the first time. Locks have random names, and no other influence. */
function firstTime(seen: Set<string>, image: DiskImage, demands: string): boolean {
  const rest = new Map([...image].filter(([path]) => !path.startsWith(`${directory}/lock-`)))
  const key = `${demands} ${fingerprint(rest)}`
  if (seen.has(key)) return false
  seen.add(key)
  return true
}

/** Opens a disk, checks what it holds, and goes on with more entries; returns the disk as that process left it. */
async function reopen(
  image: DiskImage,
  pid: number,
  check: (found: Found) => string | null,
  more: readonly Entry[] = [],
): Promise<FaultFileSystem> {
  const fileSystem = new FaultFileSystem({ image, pid, directories: [directory] })
  const storage = open(fileSystem)
  const objection = check(await readAll(storage))
  if (objection) throw new Error(objection)
  await storage.persist({ entries: more })
  return fileSystem
}

it('holds everything promised after a power cut at any moment, and again after another one at once', async () => {
  const { storage, fileSystem } = await record(everything)
  const seen = new Set<string>()
  for (const { operations, disk } of moments(fileSystem)) {
    for (const image of disk.crashes()) {
      if (!firstTime(seen, image, storage.demands(operations))) continue
      let first: Content | undefined
      const opened = await reopen(image, 3, (found) => {
        first = found
        return storage.objection(operations, found)
      })
      // What opening told must be as durable as if it had been persisted, and the log must go on from there.
      const next = entries((first?.entries.at(-1) ?? first?.before ?? { index: 0 }).index + 1)
      const again = await reopen(opened.image('durable'), 4, (found) => difference(first, found), next)
      await reopen(again.image('durable'), 5, (found) =>
        difference(first && { ...first, entries: [...first.entries, ...next] }, found),
      )
    }
  }
  expect(seen.size).toBeGreaterThan(800)
}, 180_000)

it('holds everything promised when the process is killed at any moment, and the power fails after the restart', async () => {
  const { storage, fileSystem } = await record(everything)
  for (let operations = 1; operations <= fileSystem.operations.length; operations++) {
    const done = fileSystem.operations.slice(0, operations)
    const disk = new FaultFileSystem({ operations: done, pid: 2, directories: [directory] })
    const found = await readAll(open(disk))
    expect(storage.objection(operations, found)).toBeNull()
    for (const image of disk.crashes()) await reopen(image, 3, (again) => difference(found, again))
  }
}, 180_000)

it('holds everything promised when power fails at any moment, and again at any moment of the opening', async () => {
  const { storage, fileSystem } = await record(everything)
  const seen = new Set<string>()
  for (const { operations, disk } of moments(fileSystem)) {
    const demands = storage.demands(operations)
    for (const image of disk.crashes()) {
      if (!firstTime(seen, image, demands)) continue
      const opened = await reopen(image, 3, (found) => storage.objection(operations, found))
      const during = new FaultFileSystem({ image, pid: 4, directories: [directory] })
      for (const operation of opened.operations) {
        during.replay(operation)
        for (const again of during.crashes()) {
          if (firstTime(seen, again, demands))
            await reopen(again, 5, (found) => storage.objection(operations, found))
        }
      }
    }
  }
  expect(seen.size).toBeGreaterThan(800)
}, 180_000)

it('has term, vote and incarnation even if the disk tears within a sector', async () => {
  const { storage, fileSystem } = await record(async (recorded) => {
    for (let term = 1; term <= 4; term++) {
      await recorded.persist({
        hardState: { term, votedFor: term % 3, clusterId: 'long '.repeat(40) },
        entries: [],
      })
      await recorded.restart()
    }
  })
  const disk = new FaultFileSystem({ pid: 2, sectorBytes: 128 })
  const seen = new Set<string>()
  for (const [count, operation] of fileSystem.operations.entries()) {
    disk.replay(operation)
    for (const image of disk.crashes()) {
      if (firstTime(seen, image, storage.demands(count + 1))) {
        await reopen(image, 3, (found) => storage.objection(count + 1, found))
      }
    }
  }
  expect(seen.size).toBeGreaterThan(100)
}, 180_000)

function difference(before: Content | undefined, after: Content): string | null {
  return inWords(before) === inWords(after) ? null : `${inWords(before)} became ${inWords(after)}`
}

import { describe, expect, it } from 'vitest'
import { openFileStorage } from '../src/file/index.ts'
import type { Entry, Storage } from '../src/index.ts'
import { type DiskImage, type FaultableOperation, FaultFileSystem } from '../src/testing/index.ts'
import { readAll } from './recorded-storage.ts'
import { command, directory, openSample, sample, snapshotAt, takeSnapshot } from './sample.ts'

function entries(first: number, last: number, bytes = 100): Entry[] {
  return Array.from({ length: last - first + 1 }, (_, count) => command(first + count, 1, bytes))
}

async function opened(fileSystem: FaultFileSystem, quotaBytes?: number): Promise<Storage> {
  const storage = openFileStorage({
    directory,
    replicaId: 1,
    segmentBytes: 8192,
    preallocateBytes: 1024,
    batchBytes: 700,
    fileSystem,
    ...(quotaBytes === undefined ? {} : { quotaBytes }),
  })
  await storage.open({ tailBytes: 0 })
  return storage
}

/** How often the disk was asked to make something durable since `from`. */
function syncs(fileSystem: FaultFileSystem, from: number): number {
  return fileSystem.operations.slice(from).filter((operation) => operation.type === 'sync').length
}

function used(fileSystem: FaultFileSystem): number {
  return [...fileSystem.image('written').values()].reduce((sum, content) => sum + content.length, 0)
}

async function indices(image: DiskImage): Promise<number[]> {
  const found = await readAll(openSample(new FaultFileSystem({ image, pid: 99 })))
  return found.entries.map((entry) => entry.index)
}

describe('group commit', () => {
  it('makes all batches of one turn durable with one sync, and all that come meanwhile with the next', async () => {
    const fileSystem = new FaultFileSystem()
    const storage = await opened(fileSystem)
    await storage.persist({ entries: entries(1, 1) })
    const before = fileSystem.operations.length
    const first = Array.from({ length: 10 }, (_, count) =>
      storage.persist({ entries: entries(2 + count, 2 + count) }),
    )
    await Promise.all(first)
    expect(syncs(fileSystem, before)).toBe(1)
    await storage.close()
  })

  it('writes the hard state only when it changed, before the entries that came with it', async () => {
    const fileSystem = new FaultFileSystem()
    const storage = await opened(fileSystem)
    const hardState = { term: 1, votedFor: 0, clusterId: 'c' }
    await storage.persist({ hardState, entries: entries(1, 1) })
    const before = fileSystem.operations.length
    await storage.persist({ hardState: { ...hardState }, entries: entries(2, 2) })
    expect(syncs(fileSystem, before)).toBe(1)
    await storage.persist({ hardState, entries: [] })
    expect(syncs(fileSystem, before)).toBe(1)
    await storage.close()
  })
})

describe('a full disk', () => {
  it('refuses entries, keeps all it has, takes hard states, and takes entries again when there is space', async () => {
    const fileSystem = new FaultFileSystem()
    const storage = await opened(fileSystem)
    await storage.persist({ entries: entries(1, 5) })
    fileSystem.capacityBytes = used(fileSystem) + 300
    const refused = storage.persist({ entries: entries(6, 30) })
    const following = storage.persist({ entries: entries(31, 32) })
    await expect(refused).rejects.toMatchObject({ code: 'full' })
    await expect(following).rejects.toMatchObject({ code: 'full' })
    await expect(storage.persist({ entries: entries(33, 33) })).rejects.toMatchObject({ code: 'full' })
    const hardState = { term: 7, votedFor: 2, clusterId: '' }
    await expect(storage.persist({ hardState, entries: entries(6, 60) })).rejects.toMatchObject({
      code: 'full',
    })
    expect(await storage.read(1, 100_000)).toEqual(entries(1, 5))
    for (const image of fileSystem.crashes()) {
      const found = await readAll(openSample(new FaultFileSystem({ image, pid: 99 })))
      expect(found.entries).toEqual(entries(1, 5))
      expect(found.hardState.term).toBe(0)
    }
    await storage.persist({ hardState, entries: [] })
    fileSystem.capacityBytes = Number.POSITIVE_INFINITY
    await storage.persist({ entries: entries(6, 30) })
    await storage.close()
    expect(await indices(fileSystem.image('durable'))).toEqual(entries(1, 30).map((entry) => entry.index))
  })

  it('leaves nothing of the refused entries behind, at whatever byte the space ended', async () => {
    for (let space = 0; space < 9000; space += 331) {
      const fileSystem = new FaultFileSystem()
      const storage = await opened(fileSystem)
      await storage.persist({ entries: entries(1, 3) })
      fileSystem.capacityBytes = used(fileSystem) + space
      let last = 3
      const fill = async (): Promise<void> => {
        for (;;) {
          await storage.persist({ entries: entries(last + 1, last + 4, 200) })
          last += 4
        }
      }
      await expect(fill()).rejects.toMatchObject({ code: 'full' })
      for (const image of fileSystem.crashes()) expect((await indices(image)).at(-1)).toBe(last)
      fileSystem.capacityBytes = Number.POSITIVE_INFINITY
      await storage.persist({ entries: entries(last + 1, last + 1) })
      await storage.close()
      expect((await indices(fileSystem.image('durable'))).at(-1)).toBe(last + 1)
    }
  })

  it('uses the last bytes for entries, not for preallocation', async () => {
    const fileSystem = new FaultFileSystem()
    const storage = await opened(fileSystem)
    await storage.persist({ entries: entries(1, 3, 400) })
    fileSystem.capacityBytes = used(fileSystem) + 700
    await expect(storage.persist({ entries: entries(4, 4, 600) })).resolves.toBeUndefined()
    await storage.close()
  })

  it('refuses a snapshot and goes on with the one it has', async () => {
    const fileSystem = new FaultFileSystem()
    const storage = await opened(fileSystem)
    await storage.persist({ entries: entries(1, 5) })
    await takeSnapshot(storage, snapshotAt(2, 1), 'two')
    fileSystem.capacityBytes = used(fileSystem) + 500
    const writer = await storage.createSnapshot(snapshotAt(4, 1))
    const all = async (): Promise<void> => {
      await writer.write(new Uint8Array(1000))
      await writer.commit()
    }
    await expect(all()).rejects.toMatchObject({ code: 'full' })
    await writer.abort()
    expect([...fileSystem.image('written').keys()].filter((path) => path.endsWith('.tmp'))).toEqual([])
    fileSystem.capacityBytes = Number.POSITIVE_INFINITY
    await takeSnapshot(storage, snapshotAt(4, 1), 'four')
    await storage.close()
  })

  it('comes early with a quota, and ends when old entries were given up', async () => {
    const fileSystem = new FaultFileSystem()
    const storage = await opened(fileSystem, 60_000)
    let last = 0
    const fill = async (): Promise<void> => {
      for (;;) {
        await storage.persist({ entries: entries(last + 1, last + 5, 500) })
        last += 5
      }
    }
    await expect(fill()).rejects.toMatchObject({ code: 'full' })
    expect(storage.size()).toBeLessThanOrEqual(60_000 + 1024)
    expect(last).toBeGreaterThan(50)
    await takeSnapshot(storage, snapshotAt(last - 2, 1), 's')
    await takeSnapshot(storage, snapshotAt(last - 1, 1), 's')
    await storage.compact(last)
    await storage.persist({ entries: entries(last + 1, last + 1) })
    await storage.close()
  })
})

describe('a disk that fails', () => {
  const failing: readonly (readonly [string, (operation: FaultableOperation) => boolean])[] = [
    ['a sync', (operation) => operation.type === 'sync'],
    ['a write', (operation) => operation.type === 'write'],
  ]

  it.each(failing)(
    'refuses everything after %s went wrong, until it is opened anew',
    async (_what, matches) => {
      const fileSystem = new FaultFileSystem()
      const storage = await opened(fileSystem)
      await storage.persist({ entries: entries(1, 2) })
      fileSystem.fault = (operation) => (matches(operation) ? 'EIO' : null)
      const outstanding = [
        storage.persist({ entries: entries(3, 3) }),
        storage.persist({ hardState: { term: 1, votedFor: 0, clusterId: '' }, entries: [] }),
      ]
      for (const each of await Promise.allSettled(outstanding))
        expect(each).toMatchObject({ reason: { code: 'failed' } })
      fileSystem.fault = null
      await expect(storage.persist({ entries: [] })).rejects.toMatchObject({ code: 'failed' })
      await expect(storage.read(1, 1)).rejects.toMatchObject({ code: 'failed' })
      await expect(storage.createSnapshot(snapshotAt(1, 1))).rejects.toMatchObject({ code: 'failed' })
      await expect(storage.compact(1)).rejects.toMatchObject({ code: 'failed' })
      await storage.close()
      await (await opened(fileSystem)).close()
    },
  )

  it('does not believe after a restart what a failed sync left in memory', async () => {
    const fileSystem = new FaultFileSystem()
    const storage = await opened(fileSystem)
    await storage.persist({ entries: entries(1, 2) })
    fileSystem.fault = (operation) => (operation.type === 'sync' ? 'EIO' : null)
    await expect(storage.persist({ entries: entries(3, 4) })).rejects.toMatchObject({ code: 'failed' })
    // The process ends; the operating system goes on, and shows the pages as if they were on the disk.
    const after = new FaultFileSystem({ operations: fileSystem.operations, pid: 2, directories: [directory] })
    const { entries: told } = await readAll(openSample(after))
    for (const image of after.crashes())
      expect(await indices(image)).toEqual(told.map((entry) => entry.index))
  })

  it.each(['rename', 'syncDirectory', 'sync'])(
    'refuses everything when a snapshot was not made durable (%s)',
    async (type) => {
      const fileSystem = new FaultFileSystem()
      const storage = await opened(fileSystem)
      await storage.persist({ entries: entries(1, 2) })
      fileSystem.fault = (operation) => (operation.type === type ? 'EIO' : null)
      await expect(takeSnapshot(storage, snapshotAt(1, 1), 'one')).rejects.toMatchObject({ code: 'failed' })
      fileSystem.fault = null
      await expect(storage.persist({ entries: entries(3, 3) })).rejects.toMatchObject({ code: 'failed' })
      await storage.close()
    },
  )

  it('stops when a new segment was not made durable', async () => {
    const fileSystem = new FaultFileSystem()
    const storage = await opened(fileSystem)
    fileSystem.fault = (operation) => (operation.type === 'syncDirectory' ? 'EIO' : null)
    const fill = async (): Promise<void> => {
      for (let index = 1; ; index += 10) await storage.persist({ entries: entries(index, index + 9) })
    }
    await expect(fill()).rejects.toMatchObject({ code: 'failed' })
    await storage.close()
  })
})

describe('opening', () => {
  it.each([
    ['EROFS', 'read-only'],
    ['EACCES', 'read-only'],
    ['ENOSPC', 'full'],
  ])('says so when it may not write (%s), and changes nothing', async (errno, code) => {
    const fileSystem = new FaultFileSystem({ image: await sample('closed'), pid: 2 })
    fileSystem.fault = (operation) => (operation.type === 'read' ? null : errno)
    await expect(openSample(fileSystem).open({ tailBytes: 0 })).rejects.toMatchObject({
      name: 'StorageError',
      code,
    })
    expect(fileSystem.operations).toEqual([])
  })

  it('says so when it may not read', async () => {
    const fileSystem = new FaultFileSystem({ image: await sample('closed'), pid: 2 })
    fileSystem.fault = (operation) => (operation.type === 'read' ? 'EACCES' : null)
    await expect(openSample(fileSystem).open({ tailBytes: 0 })).rejects.toMatchObject({ code: 'unreadable' })
    expect(fileSystem.operations).toEqual([])
  })

  it('leaves the directory of another replica and of a newer version alone', async () => {
    const image = await sample('closed')
    const fileSystem = new FaultFileSystem({ image, pid: 2 })
    const other = openFileStorage({ directory, replicaId: 2, fileSystem })
    await expect(other.open({ tailBytes: 0 })).rejects.toMatchObject({ code: 'other replica' })
    expect(fileSystem.operations).toEqual([])
    for (const path of image.keys()) {
      const newer = new FaultFileSystem({
        image: new Map([...image, [path, withVersion(image.get(path), 2)]]),
        pid: 2,
      })
      await expect(openSample(newer).open({ tailBytes: 0 })).rejects.toMatchObject({ code: 'newer format' })
      const touched = newer.operations.filter(
        (operation) => !('path' in operation && operation.path.includes('lock-')),
      )
      expect(touched).toEqual([])
    }
  })

  it('is refused while another process runs on the directory, and removes the lock of one that ended', async () => {
    const fileSystem = new FaultFileSystem()
    await opened(fileSystem)
    const same = new FaultFileSystem({ operations: fileSystem.operations, pid: 1, directories: [directory] })
    await expect(opened(same)).rejects.toMatchObject({ code: 'locked' })
    const later = new FaultFileSystem({ operations: fileSystem.operations, pid: 2, directories: [directory] })
    const storage = await opened(later)
    expect((await later.list(directory))?.filter((name) => name.startsWith('lock-'))).toHaveLength(1)
    await storage.close()
    expect((await later.list(directory))?.filter((name) => name.startsWith('lock-'))).toEqual([])
  })

  it('lets in at most one of two that come at the same time', async () => {
    const fileSystem = new FaultFileSystem({ image: await sample('closed'), pid: 2 })
    const both = await Promise.allSettled([opened(fileSystem), opened(fileSystem)])
    expect(both.filter((each) => each.status === 'fulfilled').length).toBeLessThanOrEqual(1)
  })

  it('removes what an ended process was about to write', async () => {
    const image = new Map(await sample('closed'))
    for (const name of ['state-a.tmp', 'log-0000000099.seg.tmp', 'snapshot-0000000000000009-1.snap.tmp'])
      image.set(`${directory}/${name}`, new Uint8Array(10))
    const fileSystem = new FaultFileSystem({ image, pid: 2 })
    const storage = openSample(fileSystem)
    await storage.open({ tailBytes: 0 })
    expect((await fileSystem.list(directory))?.filter((name) => name.endsWith('.tmp'))).toEqual([])
    await storage.close()
  })

  it('refuses sizes that cannot work', () => {
    expect(() => openFileStorage({ directory, replicaId: 1, segmentBytes: 10 })).toThrow(/segmentBytes/)
  })
})

/** The same file, as a later version would begin it. */
function withVersion(content: Uint8Array | undefined, version: number): Uint8Array {
  const copy = Buffer.from(content ?? [])
  copy.writeUInt32LE(version, 8)
  copy.writeUInt32LE(crc32c(copy.subarray(0, 60)), 60)
  return copy
}

/** CRC32C, bit by bit (reflected polynomial 0x82f63b78): independent of the library that the storage uses. */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xff_ff_ff_ff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82_f6_3b_78 : 0)
  }
  return (crc ^ 0xff_ff_ff_ff) >>> 0
}

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openFileStorage } from '../src/file/index.ts'
import type { Storage } from '../src/index.ts'
import { FaultFileSystem } from '../src/testing/index.ts'
import { command } from './sample.ts'

// A disk of 2 MiB, half of it taken by something else. A real one (tmpfs) where this user may mount one; elsewhere only the one in memory.

interface SmallDisk {
  readonly name: string
  open(): Storage
  freeHalf(): void
}

const mountPoint = mkdtempSync(join(tmpdir(), 'small-disk-'))
const mounted =
  process.platform === 'linux' &&
  spawnSync('/bin/mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', mountPoint]).status === 0
const ballast = join(mountPoint, 'ballast')
const sizes = { replicaId: 1, segmentBytes: 256 * 1024 }

const inMemory = new FaultFileSystem()
inMemory.capacityBytes = 1024 * 1024
const disks: SmallDisk[] = [
  {
    name: 'in memory',
    open: () => openFileStorage({ ...sizes, directory: '/data', fileSystem: inMemory }),
    freeHalf: () => {
      inMemory.capacityBytes *= 2
    },
  },
]
if (mounted) {
  disks.push({
    name: 'on a real file system',
    open: () => openFileStorage({ ...sizes, directory: join(mountPoint, 'data') }),
    freeHalf: () => rmSync(ballast),
  })
}

beforeAll(() => {
  if (mounted) writeFileSync(ballast, Buffer.alloc(1024 * 1024))
})

afterAll(() => {
  // Lazily: a test that failed may have left files open.
  if (mounted) spawnSync('/bin/umount', ['-l', mountPoint])
  rmdirSync(mountPoint)
})

it.each(disks)(
  'refuses writes when it is full, goes on when space is freed, and loses nothing ($name)',
  async (disk) => {
    let last = 0
    let storage = disk.open()
    const fill = async (): Promise<void> => {
      for (;;) {
        await storage.persist({ entries: [command(last + 1, 1, 5000), command(last + 2, 1, 5000)] })
        last += 2
      }
    }
    const readable = async (): Promise<number> => {
      let next = 1
      for (
        let found = await storage.read(next, 100_000);
        found.length > 0;
        found = await storage.read(next, 100_000)
      ) {
        for (const entry of found) expect(entry.payload.length === 5000 && entry.index === next++).toBe(true)
      }
      return next - 1
    }
    await storage.open({ tailBytes: 0 })
    await expect(fill()).rejects.toMatchObject({ code: 'full' })
    expect(last).toBeGreaterThan(150)
    expect(await readable()).toBe(last)
    const hardState = { term: 9, votedFor: 1, clusterId: 'c' }
    await storage.persist({ hardState, entries: [] })
    // It stops and starts on the full disk.
    await storage.close()
    storage = disk.open()
    expect(await storage.open({ tailBytes: 0 })).toMatchObject({ hardState, last: { index: last } })
    expect(await readable()).toBe(last)
    await expect(fill()).rejects.toMatchObject({ code: 'full' })
    disk.freeHalf()
    const before = last
    await expect(fill()).rejects.toMatchObject({ code: 'full' })
    expect(last).toBeGreaterThan(before)
    expect(await readable()).toBe(last)
    await storage.close()
    storage = disk.open()
    expect((await storage.open({ tailBytes: 0 })).last.index).toBe(last)
    await storage.close()
  },
)

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openFileStorage } from '../src/file/index.ts'
import { MemoryDisk } from '../src/index.ts'
import { FaultFileSystem, storageCases } from '../src/testing/index.ts'

describe('memory storage', () => {
  it.each(storageCases)('$name', async ({ run }) => {
    const disk = new MemoryDisk()
    const medium = { storage: (replicaId: number) => disk.open(replicaId), crash: () => disk.crash() }
    await expect(run(medium)).resolves.toBeUndefined()
  })
})

describe('file storage, on this machine', () => {
  it.each(storageCases)('$name', async ({ run }) => {
    const directory = mkdtempSync(join(tmpdir(), 'replication-log-'))
    const sizes = { segmentBytes: 8192, preallocateBytes: 4096 }
    const medium = { storage: (replicaId: number) => openFileStorage({ directory, replicaId, ...sizes }) }
    try {
      await expect(run(medium)).resolves.toBeUndefined()
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})

describe('file storage, on a disk whose power fails', () => {
  it.each(storageCases)('$name', async ({ run }) => {
    let fileSystem = new FaultFileSystem()
    let pid = 1
    const medium = {
      storage: (replicaId: number) =>
        openFileStorage({
          directory: '/data',
          replicaId,
          segmentBytes: 8192,
          preallocateBytes: 0,
          fileSystem,
        }),
      crash: () => {
        fileSystem = new FaultFileSystem({ image: fileSystem.image('durable'), pid: ++pid })
      },
    }
    await expect(run(medium)).resolves.toBeUndefined()
  })
})

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openFileStorage } from '../src/file/index.ts'
import { MemoryDisk } from '../src/index.ts'
import { FaultFileSystem, storageCases } from '../src/testing/index.ts'

/** Where the text of an entry of the cases lies in a file. */
function placeOf(content: Buffer, index: number): number {
  return content.indexOf(`entry ${String(index).padStart(4, '0')}`)
}

describe('memory storage', () => {
  it.each(storageCases)('$name', async ({ run }) => {
    const disk = new MemoryDisk()
    const medium = {
      storage: (replicaId: number) => disk.open(replicaId),
      crash: () => disk.crash(),
      damage: (index: number) => disk.damage(index),
    }
    await expect(run(medium)).resolves.toBeUndefined()
  })
})

describe('file storage, on this machine', () => {
  it.each(storageCases)('$name', async ({ run }) => {
    const directory = mkdtempSync(join(tmpdir(), 'replication-log-'))
    const sizes = { segmentBytes: 8192, preallocateBytes: 4096 }
    const medium = {
      storage: (replicaId: number) => openFileStorage({ directory, replicaId, ...sizes }),
      damage: (index: number) => {
        const path = join(directory, 'log-0000000001.seg')
        const content = readFileSync(path)
        content.fill(0, placeOf(content, index), placeOf(content, index) + 3)
        writeFileSync(path, content)
      },
    }
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
      damage: (index: number) => {
        const path = '/data/log-0000000001.seg'
        fileSystem.flip(path, placeOf(Buffer.from(fileSystem.image('durable').get(path) ?? []), index))
      },
    }
    await expect(run(medium)).resolves.toBeUndefined()
  })
})

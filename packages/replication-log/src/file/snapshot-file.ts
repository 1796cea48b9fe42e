import { basename, dirname, resolve as resolvePath } from 'node:path'
import type { SnapshotInfo } from '../storage.ts'
import type { FileSystem } from './file-system.ts'
import { nodeFileSystem } from './node-file-system.ts'
import { isSnapshotWhole, newFrame, readChunk, readSnapshotEnds, SnapshotEncoder } from './snapshot-format.ts'
import { codeOf, corrupt, failureOf } from './storage-failure.ts'

/** A snapshot in a file of its own. */
export interface SnapshotFile {
  /** Bytes of the file. */
  readonly bytes: number
  /** Null: damaged, or not a snapshot. */
  readonly info: SnapshotInfo | null
  /** What the state machine wrote. Throws a `StorageError` `corrupt` if it is damaged. */
  chunks(): AsyncGenerator<Uint8Array, void, void>
}

/** Reads and checks all of a snapshot; changes nothing. Rejects with a `StorageError` if the file cannot be read or has a newer format. */
export async function readSnapshotFile(
  path: string,
  fileSystem: FileSystem = nodeFileSystem,
): Promise<SnapshotFile> {
  const damaged = (): Error =>
    corrupt(`${path} is damaged, or not a snapshot`, { file: basename(path), from: null, to: null })
  try {
    const file = await fileSystem.open(path, 'read')
    try {
      const snapshot = await readSnapshotEnds(file, path)
      const whole = snapshot !== null && (await isSnapshotWhole(file, snapshot))
      return {
        bytes: await file.size(),
        info: whole ? snapshot.info : null,
        async *chunks() {
          if (!whole) throw damaged()
          const again = await fileSystem.open(path, 'read')
          try {
            const sums = { value: 0 }
            for (let number = 0; number < snapshot.chunks; number++) {
              const chunk = await readChunk(again, snapshot, number, newFrame(), sums)
              if (!chunk) throw damaged()
              yield chunk
            }
          } finally {
            await again.close()
          }
        },
      }
    } finally {
      await file.close()
    }
  } catch (error) {
    if (codeOf(error) === 'EIO') throw damaged()
    throw failureOf(`cannot read ${path}`, error, 'unreadable')
  }
}

/** Writes a snapshot to a new file, durably: beside, then renamed. Rejects with a `StorageError` if there is such a file already. */
export async function writeSnapshotFile(
  path: string,
  info: Omit<SnapshotInfo, 'bytes'>,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  fileSystem: FileSystem = nodeFileSystem,
): Promise<void> {
  const place = resolvePath(path)
  const temporary = `${place}.tmp`
  try {
    if ((await fileSystem.list(dirname(place)))?.includes(basename(place)))
      throw Object.assign(new Error('there is such a file already; choose another name'), { code: 'EEXIST' })
    const file = await fileSystem.open(temporary, 'create')
    try {
      const encoder = new SnapshotEncoder(file, info)
      for await (const chunk of chunks) await encoder.write(chunk)
      await encoder.finish()
      await file.sync()
    } catch (error) {
      await fileSystem.remove(temporary)
      throw error
    } finally {
      await file.close()
    }
    await fileSystem.rename(temporary, place)
    await fileSystem.syncDirectory(dirname(place))
  } catch (error) {
    throw failureOf(`cannot write ${place}`, error)
  }
}

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { StorageError } from '../storage-error.ts'
import type { FileSystem, ProcessIdentity } from './file-system.ts'
import { codeOf } from './storage-failure.ts'

const pattern = /^lock-(\d+)-([\w.]*)-[0-9a-f]+$/

/**
 * Keeps everybody else out of a directory. Each user makes a lock file of its own, whose name says which process it is, and then looks for
 * others: of two that come at the same time at least the later one sees the other, so never do both get in (both may be refused). A lock of a process that has ended is
 * removed; as no later lock can have its name, that can hit nobody else's. Sees only processes of this host and of this pid namespace.
 */
export async function lockDirectory(
  fileSystem: FileSystem,
  directory: string,
  report: (notice: string) => void,
): Promise<() => Promise<void>> {
  const { pid, start } = fileSystem.process
  const own = `lock-${pid}-${start}-${randomBytes(4).toString('hex')}`
  const file = await fileSystem.open(join(directory, own), 'create')
  await file.close()
  const release = (): Promise<void> => removeIfThere(fileSystem, join(directory, own))
  try {
    for (const name of (await fileSystem.list(directory)) ?? []) {
      const holder = name === own ? null : holderOf(name)
      if (!holder) continue
      if (fileSystem.isRunning(holder)) {
        throw new StorageError(
          'locked',
          holder.pid === pid
            ? `data directory ${directory} is already open in this process`
            : `data directory ${directory} is in use by process ${holder.pid}: stop that process, or choose another directory`,
        )
      }
      await removeIfThere(fileSystem, join(directory, name))
      report(`removed the lock of process ${holder.pid}, which has ended`)
    }
  } catch (error) {
    await release()
    throw error
  }
  return release
}

/** The process that has the directory open; null if none has. Changes nothing. */
export async function userOf(fileSystem: FileSystem, directory: string): Promise<ProcessIdentity | null> {
  const holders = ((await fileSystem.list(directory)) ?? []).flatMap((name) => holderOf(name) ?? [])
  return holders.find((holder) => fileSystem.isRunning(holder)) ?? null
}

function holderOf(name: string): ProcessIdentity | null {
  const match = pattern.exec(name)
  return match ? { pid: Number(match[1]), start: match[2] ?? '' } : null
}

async function removeIfThere(fileSystem: FileSystem, path: string): Promise<void> {
  try {
    await fileSystem.remove(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}

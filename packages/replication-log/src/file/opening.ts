import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { StorageError } from '../storage-error.ts'
import type { FileSystem } from './file-system.ts'
import { lockDirectory } from './lock.ts'
import type { LogScan } from './log-scan.ts'
import { lostEnd, withLostEnd } from './lost-end.ts'
import { scanSegments } from './segment-files.ts'
import { segmentNumber } from './segment-header.ts'
import type { SnapshotFiles } from './snapshot-files.ts'
import { snapshotIndex } from './snapshot-format.ts'
import { readState, StateFiles, type StateOnDisk } from './state-files.ts'
import { corrupt, failureOf } from './storage-failure.ts'

/** What an opening reads, and where it says what it mended. */
export interface OpeningHome {
  readonly fileSystem: FileSystem
  readonly directory: string
  readonly replicaId: number
  readonly report: (notice: string) => void
}

/**
 * Locks the directory and makes it if it does not exist. What forbids to use it (another replica, a newer format, no permission) is found out before anything is
 * touched. Returns what releases the lock.
 */
export async function enterDirectory({
  fileSystem,
  directory,
  replicaId,
  report,
}: OpeningHome): Promise<() => Promise<void>> {
  try {
    if ((await fileSystem.list(directory)) === null) await fileSystem.makeDirectory(directory)
    else await readState(fileSystem, directory, replicaId)
  } catch (error) {
    throw failureOf(`cannot read data directory ${directory}`, error, 'unreadable')
  }
  try {
    return await lockDirectory(fileSystem, directory, report)
  } catch (error) {
    throw failureOf(`cannot write to data directory ${directory}`, error)
  }
}

/** Reads the state, or makes a new directory's first one. */
export async function findState({
  fileSystem,
  directory,
  replicaId,
  report,
}: OpeningHome): Promise<StateOnDisk> {
  const names = (await fileSystem.list(directory)) ?? []
  for (const name of names) {
    if (/^(state|log|snapshot)-.*\.tmp$/.test(name)) await fileSystem.remove(join(directory, name))
  }
  const found = await readState(fileSystem, directory, replicaId)
  for (const name of found?.damaged ?? [])
    report(`${name} was missing or damaged and is made anew from the other copy`)
  if (found) return found
  if (names.some((name) => segmentNumber(name) !== null || snapshotIndex(name) !== null)) {
    throw corrupt(
      `${directory} holds a log but neither state-a nor state-b: its term and vote are lost; ` +
        'replace this replica by a new one with an empty directory',
      { file: 'state-a', from: null, to: null },
    )
  }
  return StateFiles.create(fileSystem, directory, replicaId, randomBytes(16).toString('hex'))
}

/** Reads log and snapshots and checks that together they hold everything. Changes nothing. After a rejection `scan` tells how far it came. */
export async function findLog(
  home: OpeningHome,
  found: StateOnDisk,
  snapshots: SnapshotFiles,
  scan: LogScan,
): Promise<void> {
  try {
    await scanSegments(home.fileSystem, home.directory, found, scan)
  } catch (error) {
    await snapshots.scan(() => undefined)
    throw withLostEnd(error, () => lostEnd(found, scan, snapshots))
  }
  await snapshots.scan(home.report)
  const { before, last } = scan.index
  const end = lostEnd(found, scan, snapshots)
  snapshots.keepFrom(before.index)
  if (before.index > 0 && !snapshots.newest) {
    throw corrupt(
      `${home.directory}: the log begins after entry ${before.index}, and no whole snapshot reaches there; fetch one from another replica`,
      { file: '', from: 1, to: before.index, needsSnapshot: true, end },
    )
  }
  const damaged = snapshots.damagedIndex
  if (damaged !== null && damaged > last.index) {
    throw corrupt(
      `${home.directory}: the snapshot at entry ${damaged} is damaged, and the log ends at entry ${last.index}; fetch one from another replica`,
      { file: '', from: last.index + 1, to: damaged, needsSnapshot: true, end },
    )
  }
  if (scan.torn) home.report(`cut off what a crash left half-written after entry ${last.index}`)
}

export function notOpen(): StorageError {
  return new StorageError('closed', 'the storage is not open')
}

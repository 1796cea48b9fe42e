import { join, resolve as resolvePath } from 'node:path'
import type { Entry, Position } from '../entry.ts'
import type { SnapshotInfo } from '../storage.ts'
import { StorageError } from '../storage-error.ts'
import type { FileSystem } from './file-system.ts'
import { userOf } from './lock.ts'
import type { LogScan } from './log-scan.ts'
import { nodeFileSystem } from './node-file-system.ts'
import { readRun } from './run-reader.ts'
import { openSegment, scanSegments } from './segment-files.ts'
import { readSnapshotFile } from './snapshot-file.ts'
import { snapshotIndex } from './snapshot-format.ts'
import { readState, type StateOnDisk } from './state-files.ts'
import { failureOf } from './storage-failure.ts'

/** A snapshot in a directory. */
export interface FoundSnapshot {
  readonly name: string
  readonly bytes: number
  /** Null: damaged. */
  readonly info: SnapshotInfo | null
}

/** What a data directory holds, read without changing anything. */
export interface FoundDirectory {
  readonly replicaId: number
  readonly disk: string
  readonly incarnation: number
  readonly clusterId: string
  readonly term: number
  readonly before: Position
  readonly last: Position
  /** Newest first. */
  readonly snapshots: readonly FoundSnapshot[]
  /** From `from` on (or from where the log begins) to `to`. */
  entries(from: number, to: number): AsyncGenerator<Entry, void, void>
  /** Bytes of the newest whole snapshot; nothing if there is none. */
  newestSnapshot(): AsyncGenerator<Uint8Array, void, void>
}

/**
 * Reads the directory of a replica that does not run. Rejects with a `StorageError`: `locked` if it runs, `corrupt` if its log is damaged (`verifyDirectory` tells where), `unreadable`
 * if there is no data.
 */
export async function readDirectory(
  directory: string,
  fileSystem: FileSystem = nodeFileSystem,
): Promise<FoundDirectory> {
  const place = resolvePath(directory)
  try {
    const found = await findStopped(fileSystem, place)
    const scan = await scanSegments(fileSystem, place, found)
    const snapshots = await findSnapshots(fileSystem, place)
    const { hardState, incarnation } = found.state
    const newest = snapshots.find(({ info }) => info !== null)
    return {
      replicaId: found.replicaId,
      disk: found.disk,
      incarnation,
      clusterId: hardState.clusterId,
      term: hardState.term,
      before: scan.index.before,
      last: scan.index.last,
      snapshots,
      entries: (from, to) => entriesOf(fileSystem, place, found, scan, from, to),
      async *newestSnapshot() {
        if (newest) yield* (await readSnapshotFile(join(place, newest.name), fileSystem)).chunks()
      },
    }
  } catch (error) {
    throw failureOf(`cannot read ${place}`, error, 'unreadable')
  }
}

/** The state of a directory that no process has open. */
export async function findStopped(fileSystem: FileSystem, directory: string): Promise<StateOnDisk> {
  if ((await fileSystem.list(directory)) === null)
    throw new StorageError('unreadable', `there is no directory ${directory}`)
  const user = await userOf(fileSystem, directory)
  if (user)
    throw new StorageError(
      'locked',
      `${directory} is in use by process ${user.pid}: stop that replica first, or read a copy`,
    )
  const found = await readState(fileSystem, directory, null)
  if (!found)
    throw new StorageError(
      'unreadable',
      `${directory} is not the data directory of a replica: it has no state-a and no state-b`,
    )
  return found
}

export async function findSnapshots(fileSystem: FileSystem, directory: string): Promise<FoundSnapshot[]> {
  const names = ((await fileSystem.list(directory)) ?? []).filter((name) => snapshotIndex(name) !== null)
  const found: FoundSnapshot[] = []
  for (const name of names.sort().reverse()) {
    const { info, bytes } = await readSnapshotFile(join(directory, name), fileSystem)
    found.push({ name, info, bytes })
  }
  return found
}

async function* entriesOf(
  fileSystem: FileSystem,
  directory: string,
  found: StateOnDisk,
  scan: LogScan,
  from: number,
  to: number,
): AsyncGenerator<Entry, void, void> {
  const { runs, last } = scan.index
  for (const [number, run] of runs.entries()) {
    const limit = runs[number + 1]?.index ?? last.index + 1
    if (limit <= from || run.index > to) continue
    const extent = scan.extents.find((each) => each.number === run.segment)
    if (!extent) continue
    const segment = await openSegment(fileSystem, directory, found.disk, extent, 'read')
    try {
      for (const entry of await readRun({ run, segment, limit }))
        if (entry.index >= from && entry.index <= to) yield entry
    } finally {
      await segment.close()
    }
  }
}

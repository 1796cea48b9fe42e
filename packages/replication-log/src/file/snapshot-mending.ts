import type { SnapshotCopy } from '../storage.ts'
import { StorageError } from '../storage-error.ts'
import { LogScan } from './log-scan.ts'
import { lostEnd, scanLost } from './lost-end.ts'
import { mendLog, withNext } from './mending.ts'
import type { OpeningHome } from './opening.ts'
import { scanSegments } from './segment-files.ts'
import type { SnapshotFiles } from './snapshot-files.ts'
import { agreedTo, changeState, readState, type StateOnDisk } from './state-files.ts'

/**
 * Puts the snapshot of another replica in the place of what is lost, in a directory that is locked. False: it does not have all that is lost, or is not of this cluster, and
 * nothing was changed. What another replica has applied was committed, whoever led: a log that does not agree with it gives way, as it does to a leader's snapshot.
 */
export async function mendWithSnapshot(
  home: OpeningHome,
  copy: SnapshotCopy,
  snapshots: SnapshotFiles,
): Promise<boolean> {
  const { fileSystem, directory, replicaId, report } = home
  const found = await readState(fileSystem, directory, replicaId)
  if (!found) return false
  const { hardState } = found.state
  const { clusterId } = hardState
  if (clusterId === '' || copy.clusterId !== clusterId) return false
  await snapshots.scan(() => undefined)
  const lost = await (copy.asGround ? groundFor : lostIn)(home, found, snapshots)
  const { info } = copy
  if (!lost || info.index < lost.through || info.term < lost.atLeastTerm(info.index)) return false
  if (snapshots.newest && snapshots.newest.index >= info.index) return false
  if (!copy.asGround && info.term > hardState.term)
    await changeState(fileSystem, directory, found, { hardState: agreedTo(hardState, info.term) })
  const writer = await snapshots.create(info)
  try {
    for await (const chunk of copy.chunks) await writer.write(chunk)
    await writer.commit()
  } catch (error) {
    await writer.abort()
    throw error
  }
  report(
    `a snapshot at entry ${info.index} of another replica took the place of what was lost up to entry ${lost.through}`,
  )
  return lost.inLog ? await mendLog(home, 'snapshot', async () => snapshots.newest) : true
}

interface Lost {
  /** Up to where a snapshot has to reach. */
  readonly through: number
  /** What the log, as far as it can be read, says of the term of a committed entry at this index: it cannot be less. */
  readonly atLeastTerm: (index: number) => number
  readonly inLog: boolean
}

/** Null: no snapshot helps, since nothing of that kind is lost, or nobody can tell how much this replica had confirmed. */
async function lostIn(home: OpeningHome, found: StateOnDisk, snapshots: SnapshotFiles): Promise<Lost | null> {
  const scan = new LogScan(found.disk, found.state.durable)
  try {
    await scanSegments(home.fileSystem, home.directory, found, scan)
  } catch (error) {
    const { wound } = scan
    if (!(error instanceof StorageError) || error.code !== 'corrupt') throw error
    if (wound?.type !== 'batch') return null
    const { next } = wound.next ? wound : await withNext(home, found, wound)
    if (!next) return null
    const { first, previousTerm } = next.header
    return { through: first - 1, atLeastTerm: () => previousTerm, inLog: true }
  }
  const { before, last } = scan.index
  const atLeastTerm = (index: number): number => scan.index.termAt(index) ?? last.term
  snapshots.keepFrom(before.index)
  const damaged = snapshots.damagedIndex
  if (damaged !== null && damaged > last.index) return { through: damaged, atLeastTerm, inLog: false }
  return before.index > 0 && !snapshots.newest ? { through: before.index, atLeastTerm, inLog: false } : null
}

/** What is left is less than a snapshot has: the log stays refused, but there is less to make up for. */
async function groundFor(
  home: OpeningHome,
  found: StateOnDisk,
  snapshots: SnapshotFiles,
): Promise<Lost | null> {
  const scan = await scanLost(home, found, snapshots)
  if (!scan) return null
  const { last } = lostEnd(found, scan, snapshots)
  return { through: last.index + 1, atLeastTerm: () => last.term, inLog: false }
}

import { origin } from '../entry.ts'
import { type LostEnd, StorageError } from '../storage-error.ts'
import { LogScan } from './log-scan.ts'
import type { OpeningHome } from './opening.ts'
import { scanSegments } from './segment-files.ts'
import type { SnapshotFiles } from './snapshot-files.ts'
import type { StateOnDisk } from './state-files.ts'

/** What is known of a log whose reading was refused, in case it has to be given up from there on. */
export function lostEnd(found: StateOnDisk, scan: LogScan, snapshots: SnapshotFiles): LostEnd {
  const { index, views } = scan
  const { newest } = snapshots
  const { hardState, view } = found.state
  const logEnd = isConnected(scan, snapshots) ? index.last : origin
  const last = newest && newest.index >= logEnd.index ? newest : logEnd
  const left =
    views.find((each) => each.index === view.index && each.term === view.term)?.payload ??
    (newest?.viewPosition.index === view.index && newest.viewPosition.term === view.term ? newest.view : null)
  return {
    clusterId: hardState.clusterId,
    last: { index: last.index, term: last.term },
    term: Math.max(hardState.term, index.last.term),
    view: view.index === 0 ? null : { ...view, payload: left },
  }
}

/** Reads again what `open` refused, with the snapshots looked through already. Null: nothing of the log is lost, or something else that no log makes up for. */
export async function scanLost(
  home: OpeningHome,
  found: StateOnDisk,
  snapshots: SnapshotFiles,
): Promise<LogScan | null> {
  const scan = new LogScan(found.disk, found.state.durable)
  try {
    await scanSegments(home.fileSystem, home.directory, found, scan)
    return isGroundLost(scan, snapshots) ? scan : null
  } catch (error) {
    if (!(error instanceof StorageError) || error.code !== 'corrupt') throw error
    return error.damage?.from ? scan : null
  }
}

/** The log can be read, but what it follows is lost: its beginning, or a newer snapshot that came from a leader. */
function isGroundLost(scan: LogScan, snapshots: SnapshotFiles): boolean {
  return !isConnected(scan, snapshots) || (snapshots.damagedIndex ?? 0) > scan.index.last.index
}

/** Whether what is left of the log follows something: the beginning, or a snapshot. */
export function isConnected(scan: LogScan, snapshots: SnapshotFiles): boolean {
  return scan.index.before.index <= (snapshots.newest?.index ?? 0)
}

/** The same refusal, with what is known of the end; another error as it is. */
export function withLostEnd(error: unknown, end: () => LostEnd): unknown {
  if (!(error instanceof StorageError) || error.code !== 'corrupt') return error
  const { damage, message } = error
  // Something else than entries is lost.
  if (damage === null || damage.from === null) return error
  const known = end()
  const from = damage.to === null ? Math.max(damage.from, known.last.index + 1) : damage.from
  return new StorageError('corrupt', message, { damage: { ...damage, from, end: known } })
}

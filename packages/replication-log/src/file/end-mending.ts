import { join } from 'node:path'
import type { Entry } from '../entry.ts'
import type { LogEndCopy } from '../storage.ts'
import { encodeGroup, type GroupHeader, groupBytes, recordBytes } from './batch.ts'
import type { FileSystem } from './file-system.ts'
import type { LogScan } from './log-scan.ts'
import { isConnected, scanLost } from './lost-end.ts'
import type { OpeningHome } from './opening.ts'
import type { Place } from './place.ts'
import { allSegmentNumbers } from './segment-files.ts'
import { encodeSegmentHeader, segmentName } from './segment-header.ts'
import type { SnapshotFiles } from './snapshot-files.ts'
import { agreedTo, changeState, readState, type State, type StateOnDisk } from './state-files.ts'
import { headerBytes } from './wire.ts'

/** Entries, and what they follow. */
interface Continuation {
  readonly first: number
  readonly previousTerm: number
  /** They follow a snapshot, or nothing; what is left of the log does not count. */
  readonly reset: boolean
  readonly entries: readonly Entry[]
}

const batchBytes = 256 * 1024

/**
 * Gives the log up from the first damage on, and lets the copy follow what is left before it, in a directory that is locked. False: the copy follows nothing that is there, and nothing
 * was changed. The damage stays visible until the new segment has its name: the state names it as durable before anything that is damaged is removed.
 */
export async function mendEnd(
  home: OpeningHome,
  copy: LogEndCopy,
  snapshots: SnapshotFiles,
): Promise<boolean> {
  const { fileSystem, directory, replicaId, report } = home
  const found = await readState(fileSystem, directory, replicaId)
  if (!found || !isWhole(copy)) return false
  const { hardState } = found.state
  if (hardState.clusterId === '' || copy.clusterId !== hardState.clusterId) return false
  await snapshots.scan(() => undefined)
  const scan = await scanLost(home, found, snapshots)
  const next = scan && continuationOf(copy, scan, snapshots)
  if (!next) return false
  const { whole } = scan
  const number = whole.segment + 1
  const state = await changeState(fileSystem, directory, found, {
    hardState: agreedTo(hardState, next.entries.at(-1)?.term ?? next.previousTerm),
    // Beyond all that may bear this number now, and before the first batch of the new segment ends.
    durable: { segment: number, offset: headerBytes + 1 },
  })
  const name = segmentName(number)
  await fileSystem.remove(join(directory, `${name}.tmp`)).catch(() => undefined)
  await writeDurably(
    fileSystem,
    join(directory, `${name}.tmp`),
    encodeSegment(found, number, next, whole, state),
  )
  await cutAfter(home, whole)
  await fileSystem.rename(join(directory, `${name}.tmp`), join(directory, name))
  await fileSystem.syncDirectory(directory)
  report(
    `${name}: ${next.entries.length} entries from ${next.first} on were fetched, for what was lost after entry ${scan.index.last.index}`,
  )
  return true
}

function isWhole({ from, end, entries }: LogEndCopy): boolean {
  return (
    entries.length === Math.max(0, end - from + 1) &&
    entries.every(({ index, term }, at) => index === from + at && term >= (entries[at - 1]?.term ?? 0))
  )
}

/** The newest entry that both have with the same term: up to it they are the same (Ongaro 2014, 3.5). */
function continuationOf(copy: LogEndCopy, scan: LogScan, snapshots: SnapshotFiles): Continuation | null {
  const { index } = scan
  const { from, end } = copy
  const after = (last: number, previousTerm: number, reset: boolean): Continuation => ({
    first: last + 1,
    previousTerm,
    reset,
    entries: copy.entries.slice(Math.max(0, last + 1 - from)),
  })
  if (isConnected(scan, snapshots)) {
    for (let at = Math.min(index.last.index, end); at >= from; at--) {
      const term = index.termAt(at)
      if (term !== undefined && term === copy.entries[at - from]?.term) return after(at, term, false)
    }
  }
  const { newest } = snapshots
  if (newest && from <= newest.index + 1 && end >= newest.index) {
    const same = from === newest.index + 1 || copy.entries[newest.index - from]?.term === newest.term
    if (same && (copy.entries[newest.index + 1 - from]?.term ?? newest.term) >= newest.term)
      return after(newest.index, newest.term, true)
  }
  return from === 1 && !newest ? after(0, 0, index.before.index > 0) : null
}

function encodeSegment(
  found: StateOnDisk,
  number: number,
  { first, previousTerm, reset, entries }: Continuation,
  durable: Place,
  state: State,
): Buffer {
  const header = encodeSegmentHeader(number, found.disk)
  const common = {
    seed: header.readUInt32LE(headerBytes - 4),
    durable,
    stateSequence: state.sequence,
    first,
    previousTerm,
    batchBytes,
  }
  const group = (offset: number, isReset: boolean, each: readonly Entry[]): Buffer => {
    const bytes = each.reduce((sum, entry) => sum + recordBytes(entry), 0)
    const buffer = Buffer.alloc(groupBytes(bytes, batchBytes))
    const fields: GroupHeader = { ...common, offset, reset: isReset }
    const extents = encodeGroup(buffer, fields, [each])
    return buffer.subarray(0, (extents.at(-1)?.end ?? offset) - offset)
  }
  // The flag says that all before its batch is void: so that one has no entries.
  const beginning = reset ? group(headerBytes, true, []) : Buffer.alloc(0)
  return Buffer.concat([header, beginning, group(headerBytes + beginning.length, false, entries)])
}

async function writeDurably(fileSystem: FileSystem, path: string, content: Buffer): Promise<void> {
  const file = await fileSystem.open(path, 'create')
  try {
    await file.writeDurably(content, 0)
  } finally {
    await file.close()
  }
}

/** The newest first, so that the numbers stay without gaps. */
async function cutAfter({ fileSystem, directory }: OpeningHome, { segment, offset }: Place): Promise<void> {
  const numbers = await allSegmentNumbers(fileSystem, directory)
  for (const number of numbers.reverse())
    if (number > segment) {
      await fileSystem.remove(join(directory, segmentName(number)))
      await fileSystem.syncDirectory(directory)
    }
  if (!numbers.includes(segment)) return
  const file = await fileSystem.open(join(directory, segmentName(segment)), 'write')
  try {
    if ((await file.size()) <= offset) return
    await file.truncate(offset)
    await file.sync()
  } finally {
    await file.close()
  }
}

import { join, resolve as resolvePath } from 'node:path'
import type { Position } from '../entry.ts'
import { StorageError } from '../storage-error.ts'
import { batchHeaderBytes, correctBatchHeader, decodeBatchHeader, isBodyWhole } from './batch.ts'
import type { FileSystem } from './file-system.ts'
import { isZero, LogScan, laterBatches, rangeOf } from './log-scan.ts'
import { nodeFileSystem } from './node-file-system.ts'
import { comparePlaces } from './place.ts'
import { findSnapshots, findStopped } from './reading.ts'
import { scanSegments, segmentNumbers } from './segment-files.ts'
import { encodeSegmentHeader, isSegmentHeaderDamaged, segmentName } from './segment-header.ts'
import type { StateOnDisk } from './state-files.ts'
import { failureOf } from './storage-failure.ts'
import { headerBytes } from './wire.ts'

/** Something that is not as it was written. */
export interface DamagedPart {
  readonly file: string
  /** Entries that cannot be read for it; null: none, or not known. `to` null with `from` given: to the end of the log. */
  readonly from: number | null
  readonly to: number | null
  readonly words: string
}

/** What is in a directory, and what of it is damaged. */
export interface DirectoryReport {
  readonly replicaId: number
  readonly disk: string
  readonly incarnation: number
  readonly clusterId: string
  readonly before: Position
  /** Where the whole part of the log ends, as far as it is known. */
  readonly last: Position
  /**
   * Whether it is known that nothing is missing after `last`: the replica was stopped in order, with this end. If not, it was killed, or the power failed: what it wrote last may be gone, all of it,
   * and leave no trace.
   */
  readonly endIsKnown: boolean
  readonly files: number
  readonly bytes: number
  /** What a start would do by itself, and lose nothing by it. */
  readonly notices: readonly string[]
  readonly damaged: readonly DamagedPart[]
}

/**
 * Reads every byte of the directory of a replica that does not run, and changes nothing. All damage is told, not only the first. Rejects with a `StorageError`
 * if the directory is in use, is none of a replica, has a newer format, or has lost both copies of its state.
 */
export async function verifyDirectory(
  directory: string,
  fileSystem: FileSystem = nodeFileSystem,
): Promise<DirectoryReport> {
  const place = resolvePath(directory)
  try {
    const found = await findStopped(fileSystem, place)
    const notices: string[] = []
    const damaged: DamagedPart[] = found.damaged.map((file) => ({
      file,
      from: null,
      to: null,
      words: `${file}: missing or damaged; the other copy is whole`,
    }))
    const scan = new LogScan(found.disk, found.state.durable)
    const refusal = await refusalOf(scanSegments(fileSystem, place, found, scan))
    const parts = await damagedBatches(fileSystem, place, found, refusal !== null)
    damaged.push(...parts.damaged)
    // What the segments do not show one by one: what is missing between them, or before their beginning.
    if (refusal && parts.damaged.length === 0)
      damaged.push({ ...(refusal.damage ?? { file: '', from: null, to: null }), words: refusal.message })
    if (scan.torn && !refusal)
      notices.push(`a write that a crash cut short, after entry ${scan.index.last.index}`)
    const snapshots = await findSnapshots(fileSystem, place)
    for (const { name } of snapshots.filter(({ info }) => info === null))
      damaged.push({ file: name, from: null, to: null, words: `${name}: damaged` })
    const newest = snapshots.find(({ info }) => info !== null)?.info?.index ?? 0
    const { before, last } = scan.index
    if (before.index > newest)
      damaged.push({
        file: '',
        from: newest + 1,
        to: before.index,
        words: `the log begins after entry ${before.index}, and no whole snapshot reaches there`,
      })
    return {
      replicaId: found.replicaId,
      disk: found.disk,
      incarnation: found.state.incarnation,
      clusterId: found.state.hardState.clusterId,
      before,
      last,
      endIsKnown: found.state.closed && comparePlaces(scan.end, found.state.durable) === 0,
      files: 2 + parts.files + snapshots.length,
      bytes: parts.bytes + snapshots.reduce((sum, { bytes }) => sum + bytes, 0),
      notices,
      damaged,
    }
  } catch (error) {
    throw failureOf(`cannot read ${place}`, error, 'unreadable')
  }
}

async function refusalOf(scanning: Promise<unknown>): Promise<StorageError | null> {
  try {
    await scanning
    return null
  } catch (error) {
    if (error instanceof StorageError && error.code === 'corrupt') return error
    throw error
  }
}

/** Goes on behind what cannot be read. `refused`: an opening would refuse the log, so its end is no torn one either. */
async function damagedBatches(
  fileSystem: FileSystem,
  directory: string,
  found: StateOnDisk,
  refused: boolean,
): Promise<{ readonly damaged: readonly DamagedPart[]; readonly files: number; readonly bytes: number }> {
  const damaged: DamagedPart[] = []
  const numbers = await segmentNumbers(fileSystem, directory)
  let bytes = 0
  let last = 0
  for (const number of numbers) {
    const file = segmentName(number)
    const content = await readAll(fileSystem, join(directory, file))
    bytes += content.length
    if (isSegmentHeaderDamaged(content.subarray(0, headerBytes)))
      damaged.push({ file, from: null, to: null, words: `${file}: its header is damaged` })
    const seed = encodeSegmentHeader(number, found.disk).readUInt32LE(headerBytes - 4)
    let at = headerBytes
    for (;;) {
      const header = decodeBatchHeader(content, at, content.length, at, seed)
      if (header && isBodyWhole(content, at + batchHeaderBytes, content.length, header)) {
        at += batchHeaderBytes + header.bodyBytes
        last = header.first + header.count - 1
        continue
      }
      if (isZero(content, at, content.length)) break
      const next = laterBatches(content, at + 1, content.length, seed)[0]
      const isEnd = !next && number === numbers.at(-1)
      if (isEnd && !refused) break
      const corrected = correctBatchHeader(content, at, content.length, at, seed)
      const own = corrected && decodeBatchHeader(corrected, 0, corrected.length, at, seed)
      const from = own?.first ?? last + 1
      const to = own && own.count > 0 ? own.first + own.count - 1 : next ? next.header.first - 1 : null
      damaged.push({
        file,
        from,
        to,
        words: `${file}: damaged at byte ${at}; ${rangeOf(from, to)} cannot be read`,
      })
      if (!next) break
      last = next.header.first - 1
      at = next.offset
    }
  }
  return { damaged, files: numbers.length, bytes }
}

async function readAll(fileSystem: FileSystem, path: string): Promise<Buffer> {
  const file = await fileSystem.open(path, 'read')
  try {
    const content = Buffer.allocUnsafeSlow(await file.size())
    await file.read(content, content.length, 0)
    return content
  } finally {
    await file.close()
  }
}

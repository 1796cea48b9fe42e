import { join } from 'node:path'
import type { Entry } from '../entry.ts'
import type { EntryCopy, SnapshotInfo } from '../storage.ts'
import { StorageError } from '../storage-error.ts'
import { batchHeaderBytes, decodeBatchHeader, encodeBatch } from './batch.ts'
import type { OpenFile } from './file-system.ts'
import { type BatchWound, LogScan, type Wound } from './log-scan.ts'
import type { OpeningHome } from './opening.ts'
import { scanSegments } from './segment-files.ts'
import { encodeSegmentHeader, segmentName } from './segment-header.ts'
import { readState, type StateOnDisk } from './state-files.ts'
import { codeOf } from './storage-failure.ts'
import { headerBytes } from './wire.ts'

/** Bytes that belong somewhere in a segment, and what they mend, in words. */
interface Patch {
  readonly offset: number
  readonly bytes: Buffer
  readonly words: string
}

/**
 * Mends the first damage of the log in its place, in a directory that is locked. False: it cannot be mended so, and nothing was changed. The rules, with their reasons, are in
 * FORMAT.md ("Mending").
 */
export async function mendLog(
  home: OpeningHome,
  using: 'directory' | 'snapshot' | EntryCopy,
  newestSnapshot: () => Promise<SnapshotInfo | null>,
): Promise<boolean> {
  const { fileSystem, directory, replicaId, report } = home
  const found = await readState(fileSystem, directory, replicaId)
  if (!found) return false
  const first = await firstWound(home, found)
  if (!first) return false
  const wound = first.type === 'batch' && !first.next ? await withNext(home, found, first) : first
  const name = segmentName(wound.segment)
  const file = await fileSystem.open(join(directory, name), 'write')
  try {
    const patch = await patchFor(wound, using, found, file, newestSnapshot)
    if (!patch) return false
    await file.writeDurably(patch.bytes, patch.offset)
    report(`${name}: ${patch.words}`)
    return true
  } finally {
    await file.close()
  }
}

async function firstWound(home: OpeningHome, found: StateOnDisk): Promise<Wound | null> {
  const scan = new LogScan(found.disk, found.state.durable)
  try {
    await scanSegments(home.fileSystem, home.directory, found, scan)
    return null
  } catch (error) {
    if (error instanceof StorageError && error.code === 'corrupt') return scan.wound
    throw error
  }
}

/** Behind the last batch of a segment comes the first one of the next, which names the place where this one ended. */
export async function withNext(
  home: OpeningHome,
  found: StateOnDisk,
  wound: BatchWound,
): Promise<BatchWound> {
  const { fileSystem, directory } = home
  const number = wound.segment + 1
  let file: OpenFile
  try {
    file = await fileSystem.open(join(directory, segmentName(number)), 'read')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return wound
    throw error
  }
  try {
    const bytes = Buffer.alloc(headerBytes + batchHeaderBytes)
    const got = await file.read(bytes, bytes.length, 0)
    const seed = encodeSegmentHeader(number, found.disk).readUInt32LE(headerBytes - 4)
    const header = decodeBatchHeader(bytes, headerBytes, got, headerBytes, seed)
    return header?.durable.segment === wound.segment
      ? { ...wound, next: { header, offset: header.durable.offset } }
      : wound
  } finally {
    await file.close()
  }
}

async function patchFor(
  wound: Wound,
  using: 'directory' | 'snapshot' | EntryCopy,
  found: StateOnDisk,
  file: OpenFile,
  newestSnapshot: () => Promise<SnapshotInfo | null>,
): Promise<Patch | null> {
  switch (wound.type) {
    case 'segment header':
      return {
        offset: 0,
        bytes: encodeSegmentHeader(wound.segment, found.disk),
        words: 'its damaged header was written anew',
      }
    case 'stray bits':
      return {
        offset: wound.from,
        bytes: Buffer.alloc(wound.to - wound.from),
        words: `bits after byte ${wound.from} were not zero any more, though nothing was written there, and are zero again`,
      }
    case 'batch': {
      if (using === 'directory') return fromItself(wound)
      if (using === 'snapshot') return givenUp(wound, await newestSnapshot())
      return original(wound, using.entries, await file.size()) ?? matching(wound, using, found)
    }
  }
}

/** The body is whole, or there is none to lose. */
function fromItself(wound: BatchWound): Patch | null {
  const { header, headerBytes, offset, seed, whole } = wound
  const words = `the damaged header of the batch at byte ${offset} was put right`
  if (whole && headerBytes) return { offset, bytes: headerBytes, words }
  if (!header || header.count > 0) return null
  const bytes = encodeBatch(header, [], { offset, seed, bytes: batchHeaderBytes + header.bodyBytes })
  return bytes && isOriginal(bytes, header.bodySum)
    ? { offset, bytes, words: `the damaged batch at byte ${offset}, which has no entries, was put right` }
    : null
}

/** The header still says what the body's checksum was: the copy is the original or it is not. */
function original(wound: BatchWound, copy: readonly Entry[], size: number): Patch | null {
  const { header, offset, seed } = wound
  if (!header) return null
  const bytes = batchHeaderBytes + header.bodyBytes
  if (offset + bytes > size) return null
  const last = header.first + header.count - 1
  const entries = copy.filter(({ index }) => index >= header.first && index <= last)
  const batch = encodeBatch(header, entries, { offset, seed, bytes })
  if (!batch || !isOriginal(batch, header.bodySum) || entries.length !== header.count) return null
  return { offset, bytes: batch, words: `entries ${header.first} to ${last} were fetched and put back` }
}

function isOriginal(batch: Buffer, bodySum: number): boolean {
  return batch.readUInt32LE(12) === bodySum
}

/**
 * The checksum is lost, or some of what it covered was void already and nobody has it. What counted is known all the same: two logs of one cluster that agree in the
 * term of an entry agree in all before it (Ongaro 2014, 3.5), so it is enough that the copy agrees with this log right before the gap and right after it.
 */
function matching(wound: BatchWound, copy: EntryCopy, found: StateOnDisk): Patch | null {
  const { header, next, offset, seed, log } = wound
  const { clusterId } = found.state.hardState
  if (!next || header?.reset || clusterId === '' || copy.clusterId !== clusterId) return null
  const first = header?.first ?? log.last.index + 1
  const last = next.header.first - 1
  const termBefore = log.termAt(first - 1)
  const entries = copy.entries.filter(({ index }) => index >= first && index <= last)
  const before = copy.entries.find(({ index }) => index === first - 1)
  const agrees =
    termBefore !== undefined &&
    (first === 1 || before?.term === termBefore) &&
    entries.length === last - first + 1 &&
    entries.length > 0 &&
    entries.at(-1)?.term === next.header.previousTerm
  if (!agrees) return null
  const bytes = encodeBatch(
    {
      first,
      previousTerm: termBefore,
      durable: header?.durable ?? wound.durable,
      stateSequence: header?.stateSequence ?? wound.stateSequence,
      reset: false,
    },
    entries,
    { offset, seed, bytes: next.offset - offset },
  )
  return bytes && { offset, bytes, words: `entries ${first} to ${last} were fetched and written anew` }
}

/** The snapshot has all that the gap had: from here on the log begins after it. */
function givenUp(wound: BatchWound, snapshot: SnapshotInfo | null): Patch | null {
  const { header, next, offset, seed } = wound
  if (!next || !snapshot || snapshot.index < next.header.first - 1) return null
  const bytes = encodeBatch(
    {
      first: next.header.first,
      previousTerm: next.header.previousTerm,
      durable: header?.durable ?? wound.durable,
      stateSequence: header?.stateSequence ?? wound.stateSequence,
      reset: true,
    },
    [],
    { offset, seed, bytes: next.offset - offset },
  )
  const last = next.header.first - 1
  return (
    bytes && {
      offset,
      bytes,
      words: `entries up to ${last} were given up: the snapshot at entry ${snapshot.index} has them`,
    }
  )
}

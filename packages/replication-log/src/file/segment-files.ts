import { join } from 'node:path'
import { StorageError } from '../storage-error.ts'
import type { FileSystem, OpenFile } from './file-system.ts'
import { LogScan } from './log-scan.ts'
import { checkSegmentHeader, encodeSegmentHeader, segmentName, segmentNumber } from './segment-header.ts'
import type { StateOnDisk } from './state-files.ts'
import { failureOf } from './storage-failure.ts'
import { headerBytes } from './wire.ts'

const readBytes = 4 * 1024 * 1024

/** One file of the log. */
export class Segment {
  readonly number: number
  readonly name: string
  readonly file: OpenFile
  /** Continued by the checksums of its batches. */
  readonly seed: number
  /** Where its batches end. */
  end: number
  /** Bytes of the file; those after `end` are zero. */
  size: number
  #users = 0
  #closed = false

  constructor(number: number, file: OpenFile, seed: number, end: number, size: number) {
    this.number = number
    this.name = segmentName(number)
    this.file = file
    this.seed = seed
    this.end = end
    this.size = size
  }

  /** Keeps the file open until `release`, even if the segment is removed meanwhile. */
  retain(): void {
    this.#users++
  }

  async release(): Promise<void> {
    this.#users--
    if (this.#closed && this.#users === 0) await this.file.close()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    if (this.#users === 0) await this.file.close()
  }
}

/** Reads all segments, once, in order. Changes nothing. After a rejection `scan` tells how far it came. */
export async function scanSegments(
  fileSystem: FileSystem,
  directory: string,
  found: StateOnDisk,
  scan: LogScan = new LogScan(found.disk, found.state.durable),
): Promise<LogScan> {
  let buffer = Buffer.alloc(0)
  for (const number of await segmentNumbers(fileSystem, directory)) {
    const path = join(directory, segmentName(number))
    try {
      const file = await fileSystem.open(path, 'read')
      try {
        const size = await file.size()
        if (buffer.length < size) buffer = Buffer.allocUnsafeSlow(size)
        for (let at = 0; at < size; at += readBytes) {
          await file.read(buffer.subarray(at), Math.min(readBytes, size - at), at)
        }
        scan.addSegment(number, buffer, size)
      } finally {
        await file.close()
      }
    } catch (error) {
      throw failureOf(`cannot read ${path}`, error, 'unreadable')
    }
  }
  scan.finish(found.state.sequence)
  return scan
}

/**
 * The newest segments without a gap in their numbers, ascending. What lies before a gap is left from an unfinished removal, or
 * was lost with the segments in the gap: then the log does not reach back to the snapshot, and that is found out there.
 */
export async function segmentNumbers(fileSystem: FileSystem, directory: string): Promise<number[]> {
  const numbers = await allSegmentNumbers(fileSystem, directory)
  let start = numbers.length - 1
  while (start > 0 && numbers[start - 1] === (numbers[start] ?? 0) - 1) start--
  return numbers.slice(Math.max(0, start))
}

export async function allSegmentNumbers(fileSystem: FileSystem, directory: string): Promise<number[]> {
  const names = (await fileSystem.list(directory)) ?? []
  return names.flatMap((name) => segmentNumber(name) ?? []).sort((a, b) => a - b)
}

/** Opens a segment that was scanned. */
export async function openSegment(
  fileSystem: FileSystem,
  directory: string,
  disk: string,
  extent: { readonly number: number; readonly end: number; readonly size: number },
  mode: 'read' | 'write' = 'write',
): Promise<Segment> {
  const file = await fileSystem.open(join(directory, segmentName(extent.number)), mode)
  const header = Buffer.alloc(headerBytes)
  await file.read(header, headerBytes, 0)
  return new Segment(
    extent.number,
    file,
    checkSegmentHeader(header, extent.number, disk),
    extent.end,
    extent.size,
  )
}

async function createSegment(
  fileSystem: FileSystem,
  directory: string,
  disk: string,
  number: number,
  size: number,
): Promise<Segment> {
  const path = join(directory, segmentName(number))
  const temporary = `${path}.tmp`
  const content = Buffer.alloc(Math.max(size, headerBytes))
  content.set(encodeSegmentHeader(number, disk))
  const file = await fileSystem.open(temporary, 'create')
  try {
    await file.writeDurably(content, 0)
  } catch (error) {
    await file.close()
    // Whatever went wrong, what is left of the file must not take space.
    await fileSystem.remove(temporary).catch(() => undefined)
    throw error
  }
  await file.close()
  await fileSystem.rename(temporary, path)
  await fileSystem.syncDirectory(directory)
  return openSegment(fileSystem, directory, disk, { number, end: headerBytes, size: content.length })
}

/** Makes a segment under its name, with some zeros to overwrite; a crash meanwhile leaves none, or all of it. Code `full`: nothing was changed. */
export async function beginSegment(
  fileSystem: FileSystem,
  directory: string,
  disk: string,
  number: number,
  sizes: { readonly segmentBytes: number; readonly preallocateBytes: number },
): Promise<Segment> {
  const size = Math.min(sizes.preallocateBytes, sizes.segmentBytes)
  const create = async (bytes: number): Promise<Segment> => {
    try {
      return await createSegment(fileSystem, directory, disk, number, bytes)
    } catch (error) {
      throw failureOf(`cannot create ${segmentName(number)}`, error)
    }
  }
  try {
    return await create(size)
  } catch (error) {
    if (size === 0 || !(error instanceof StorageError) || error.code !== 'full') throw error
    // The last bytes are for entries, not for zeros.
    return create(0)
  }
}

import { join } from 'node:path'
import { type Entry, entryBytes } from '../entry.ts'
import { StorageError } from '../storage-error.ts'
import { type BatchExtent, encodeGroup, groupBytes } from './batch.ts'
import type { FileSystem } from './file-system.ts'
import type { LogIndex } from './log-index.ts'
import type { LogScan } from './log-scan.ts'
import type { Place } from './place.ts'
import { type PinnedRun, readRun } from './run-reader.ts'
import { allSegmentNumbers, beginSegment, openSegment, type Segment } from './segment-files.ts'
import { segmentName } from './segment-header.ts'
import type { StateOnDisk } from './state-files.ts'
import { failureOf } from './storage-failure.ts'
import { headerBytes } from './wire.ts'

export interface SegmentSizes {
  /** A segment is not continued beyond this; a single group may be larger. */
  readonly segmentBytes: number
  /** The file grows by so many zeros at a time. */
  readonly preallocateBytes: number
  /** Entries are checked, read and lost in batches of this size; a larger entry is a batch of its own. */
  readonly batchBytes: number
}

/** Entries to append, as they came, and what they replace. */
export interface Group {
  readonly first: number
  readonly parts: readonly (readonly Entry[])[]
  /** Sum of `recordBytes`. */
  readonly recordBytes: number
  readonly reset: boolean
  /** Only with `reset`: what stands in the place of the entry before the first. */
  readonly previousTerm?: number
}

interface Encoded {
  readonly group: Group
  readonly previousTerm: number
  readonly extents: readonly BatchExtent[]
  readonly length: number
}

const maxRunsPerRead = 64

/** Buffers beyond this are not kept for the next group. */
const keptBufferBytes = 4 * 1024 * 1024

/** The log in its files. One change at a time; reads at any time. */
export class SegmentedLog {
  readonly index: LogIndex
  readonly #fileSystem: FileSystem
  readonly #directory: string
  readonly #disk: string
  readonly #sizes: SegmentSizes
  #segments: Segment[]
  #active: Segment
  /** Where the last group ended; a new segment does not change it. */
  #durable: Place
  #buffer: Buffer = Buffer.alloc(0)
  #encoded: Encoded | null = null

  private constructor(
    fileSystem: FileSystem,
    directory: string,
    disk: string,
    sizes: SegmentSizes,
    index: LogIndex,
    segments: Segment[],
    active: Segment,
  ) {
    this.#fileSystem = fileSystem
    this.#directory = directory
    this.#disk = disk
    this.#sizes = sizes
    this.index = index
    this.#segments = segments
    this.#active = active
    const previous = segments.at(-2)
    const last = active.end === headerBytes && previous ? previous : active
    this.#durable = { segment: last.number, offset: last.end }
  }

  /** Cuts a torn end off and makes sure that all the rest is on the disk, not only in the memory of the operating system. */
  static async open(
    fileSystem: FileSystem,
    directory: string,
    found: StateOnDisk,
    scan: LogScan,
    sizes: SegmentSizes,
  ): Promise<SegmentedLog> {
    const segments: Segment[] = []
    for (const extent of scan.extents)
      segments.push(await openSegment(fileSystem, directory, found.disk, extent))
    const oldest = segments[0]?.number ?? 0
    for (const number of await allSegmentNumbers(fileSystem, directory)) {
      if (number < oldest) await fileSystem.remove(join(directory, segmentName(number)))
    }
    let active = segments.at(-1)
    if (active) {
      await settle(active, scan)
    } else {
      active = await beginSegment(fileSystem, directory, found.disk, 1, sizes)
      segments.push(active)
    }
    await fileSystem.syncDirectory(directory)
    return new SegmentedLog(fileSystem, directory, found.disk, sizes, scan.index, segments, active)
  }

  /** Everything before this place is durable. */
  get end(): Place {
    return { segment: this.#active.number, offset: this.#active.end }
  }

  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.size, 0)
  }

  /** Whether a group has to go to a new segment. */
  needsNewSegment(recordBytes: number): boolean {
    return (
      this.#active.end > headerBytes &&
      this.#active.end + groupBytes(recordBytes, this.#sizes.batchBytes) > this.#sizes.segmentBytes
    )
  }

  /** Begins a new segment, unless the present one is empty. Code `full`: nothing was changed. */
  async startSegment(): Promise<void> {
    if (this.#active.end === headerBytes) return
    const number = this.#active.number + 1
    this.#active = await beginSegment(this.#fileSystem, this.#directory, this.#disk, number, this.#sizes)
    this.#segments = [...this.#segments, this.#active]
  }

  /** Encodes a group for the end of the present segment. Returns how many bytes the file would grow by. */
  encode(group: Group, stateSequence: number): number {
    const room = groupBytes(group.recordBytes, this.#sizes.batchBytes) + this.#sizes.preallocateBytes
    if (this.#buffer.length < room || (this.#buffer.length > keptBufferBytes && room < keptBufferBytes)) {
      this.#buffer = Buffer.allocUnsafeSlow(Math.max(room, 64 * 1024))
    }
    const previousTerm = group.previousTerm ?? this.index.termAt(group.first - 1)
    if (previousTerm === undefined) throw new Error(`entry ${group.first - 1} is not in the log`)
    const active = this.#active
    const extents = encodeGroup(
      this.#buffer,
      {
        offset: active.end,
        seed: active.seed,
        durable: this.#durable,
        stateSequence,
        first: group.first,
        previousTerm,
        reset: group.reset,
        batchBytes: this.#sizes.batchBytes,
      },
      group.parts,
    )
    const end = extents.at(-1)?.end ?? active.end
    this.#encoded = { group, previousTerm, extents, length: end - active.end }
    return Math.max(0, end - active.size)
  }

  /** Makes room for the encoded group, so that writing it cannot fail for want of space. Code `full`: nothing was changed. */
  async reserve(): Promise<void> {
    const active = this.#active
    const size = active.end + (this.#encoded?.length ?? 0)
    if (size <= active.size) return
    try {
      await active.file.write(Buffer.alloc(size - active.size), active.size)
    } catch (error) {
      throw await this.#cutBack(error)
    }
    active.size = size
  }

  /** Writes the encoded group; it counts when this resolves. Code `full`: nothing was changed. */
  async append(): Promise<void> {
    const encoded = this.#encoded
    if (!encoded) throw new Error('no group was encoded')
    this.#encoded = null
    const active = this.#active
    const { group, previousTerm, extents, length } = encoded
    const end = active.end + length
    let size = Math.max(active.size, end)
    if (end > active.size) {
      // The file grows: by some zeros more, since appending to a file costs more at each fdatasync than overwriting it.
      size = Math.max(end, Math.min(end + this.#sizes.preallocateBytes, this.#sizes.segmentBytes))
      this.#buffer.fill(0, length, size - active.end)
    }
    const written = end > active.size ? size - active.end : length
    try {
      await active.file.writeDurably(this.#buffer.subarray(0, written), active.end)
    } catch (error) {
      const failure = await this.#cutBack(error)
      if (written === length) throw failure
      try {
        await active.file.writeDurably(this.#buffer.subarray(0, length), active.end)
      } catch (again) {
        throw await this.#cutBack(again)
      }
      size = end
    }
    active.size = size
    active.end = end
    this.#durable = { segment: active.number, offset: end }
    for (const extent of extents)
      this.index.startBatch(extent, active.number, previousTerm, group.reset && extent === extents[0])
    for (const entries of group.parts) this.index.addEntries(entries)
  }

  /** As the Storage port's `read`; empty if the log does not hold the entry. */
  async read(from: number, maxBytes: number): Promise<Entry[]> {
    const number = this.index.findRun(from)
    if (number < 0) return []
    // What is looked up here holds although the log may change before it is read: files stay open, and nothing in them is ever overwritten.
    const wanted = this.#pin(number, number + maxRunsPerRead)
    const found: Entry[] = []
    let bytes = 0
    try {
      for (const each of wanted) {
        for (const entry of await readRun(each)) {
          if (entry.index < from) continue
          bytes += entryBytes(entry)
          if (found.length > 0 && bytes > maxBytes) return found
          found.push(entry)
        }
      }
      return found
    } finally {
      for (const { segment } of wanted) await segment.release()
    }
  }

  /** The newest entries, at most `maxBytes` of them, at least one if there is any. */
  async readTail(maxBytes: number): Promise<Entry[]> {
    const found: Entry[][] = []
    let bytes = 0
    for (
      let number = this.index.runs.length - 1;
      number >= 0 && (bytes === 0 || bytes < maxBytes);
      number--
    ) {
      const [each] = this.#pin(number, number + 1)
      if (!each) break
      try {
        const entries = await readRun(each)
        found.push(entries)
        for (const entry of entries) bytes += entryBytes(entry)
      } finally {
        await each.segment.release()
      }
    }
    const tail = found.reverse().flat()
    let drop = 0
    for (const entry of tail) {
      if (bytes <= maxBytes || drop === tail.length - 1) break
      bytes -= entryBytes(entry)
      drop++
    }
    return tail.slice(drop)
  }

  /** Removes segments that hold nothing after `index`. */
  async removeThrough(index: number): Promise<void> {
    const first = this.index.firstSegmentAfter(index)
    const removed = this.#segments.filter((segment) => segment.number < first)
    if (removed.length === 0) return
    this.index.dropBefore(first)
    this.#segments = this.#segments.filter((segment) => segment.number >= first)
    for (const segment of removed) {
      await segment.close()
      await this.#fileSystem.remove(join(this.#directory, segment.name))
    }
    await this.#fileSystem.syncDirectory(this.#directory)
  }

  async close(): Promise<void> {
    for (const segment of this.#segments) await segment.close()
  }

  #pin(from: number, to: number): PinnedRun[] {
    const { runs, last } = this.index
    return runs.slice(from, to).flatMap((run, at) => {
      const segment = this.#segments.find((each) => each.number === run.segment)
      if (!segment) return []
      segment.retain()
      return { run, segment, limit: runs[from + at + 1]?.index ?? last.index + 1 }
    })
  }

  /** After a write that went wrong: the file ends where it ended before, for certain. Returns the error to report. */
  async #cutBack(error: unknown): Promise<StorageError> {
    const active = this.#active
    const failure = failureOf(`cannot write to ${active.name}`, error)
    if (failure.code !== 'full') return failure
    try {
      await active.file.truncate(active.end)
      await active.file.sync()
      active.size = active.end
      return failure
    } catch (again) {
      return new StorageError('failed', `${active.name}: a write that found no space could not be undone`, {
        cause: again,
      })
    }
  }
}

/** Cuts off what follows the last whole batch, and writes the last group again. */
async function settle(active: Segment, scan: LogScan): Promise<void> {
  if (scan.torn) {
    await active.file.truncate(active.end)
    active.size = active.end
  }
  // If the last process was told that an fsync failed, the operating system may hold the last group in memory, marked as written although
  // it is not on the disk; writing it again is what makes the next sync include it.
  const start = scan.lastGroupOffset
  if (active.end > start) {
    const group = Buffer.allocUnsafeSlow(active.end - start)
    await active.file.read(group, group.length, start)
    await active.file.write(group, start)
  }
  await active.file.sync()
}

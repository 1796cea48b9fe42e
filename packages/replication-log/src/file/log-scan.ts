import type { Entry } from '../entry.ts'
import {
  type BatchHeader,
  batchHeaderBytes,
  correctBatchHeader,
  countBits,
  decodeBatchHeader,
  findMagic,
  isBodyWhole,
  visitRecords,
} from './batch.ts'
import { LogIndex } from './log-index.ts'
import { comparePlaces, nowhere, type Place } from './place.ts'
import {
  checkSegmentHeader,
  encodeSegmentHeader,
  isSegmentHeaderDamaged,
  segmentName,
} from './segment-header.ts'
import { corrupt } from './storage-failure.ts'
import { headerBytes } from './wire.ts'

/** What a disk writes whole or not at all. */
const sectorBytes = 512

/** Where the whole batches of a segment end. */
export interface SegmentExtent {
  readonly number: number
  readonly end: number
  readonly size: number
}

/** A batch that cannot be read. */
export interface BatchWound {
  readonly type: 'batch'
  readonly segment: number
  readonly offset: number
  readonly seed: number
  /** The batch's own header, bits that were flipped put right; null if too little of it is left. */
  readonly header: BatchHeader | null
  readonly headerBytes: Buffer | null
  /** Whether header and body are whole once the header is put right. */
  readonly whole: boolean
  /** The next whole batch header, and where this batch has to end for it. Null if there is none in this segment. */
  readonly next: { readonly header: BatchHeader; readonly offset: number } | null
  /** What a batch in this place may claim to know. */
  readonly durable: Place
  readonly stateSequence: number
  readonly log: LogIndex
}

/** What is wrong with the first thing that could not be read. */
export type Wound =
  | BatchWound
  | { readonly type: 'segment header'; readonly segment: number }
  /** A few bits in what was zeros: too few to be left from a batch. */
  | { readonly type: 'stray bits'; readonly segment: number; readonly from: number; readonly to: number }

/**
 * Reads segments in order and decides what in them is log, what a power cut left half-written, and what is damage. The rules, with their reasons, are in FORMAT.md
 * ("Torn or damaged").
 */
export class LogScan {
  readonly index: LogIndex = new LogIndex()
  readonly views: Entry[] = []
  readonly extents: SegmentExtent[] = []
  readonly #disk: string
  /** Known to be durable from the state files. */
  readonly #durable: Place
  #torn = false
  /** What the last batch knew to be durable: its group is what came after. */
  #lastGroup: Place = nowhere
  #stateSequence = 0
  #wound: Wound | null = null
  #whole: Place = nowhere

  constructor(disk: string, durable: Place) {
    this.#disk = disk
    this.#durable = durable
  }

  /** Whether bytes after the end of the last segment have to be cut off. */
  get torn(): boolean {
    return this.#torn
  }

  /** What made `addSegment` throw, if it is something that may be mended. */
  get wound(): Wound | null {
    return this.#wound
  }

  /** Where the last batch that could be read ends, whatever follows; behind the header of the newest segment if there is none. */
  get whole(): Place {
    return this.#whole
  }

  /** Where the log's last batch ends; the last segment's beginning if it has none. */
  get end(): Place {
    const last = this.extents.at(-1)
    return last ? { segment: last.number, offset: last.end } : nowhere
  }

  /** Where the last group in the last segment begins: all before it was durable when that was written. */
  get lastGroupOffset(): number {
    return this.#lastGroup.segment === this.end.segment ? this.#lastGroup.offset : headerBytes
  }

  /** Throws a `StorageError` with the code `corrupt` if the segment cannot be what a power cut left. */
  addSegment(number: number, buffer: Buffer, size: number): void {
    const name = segmentName(number)
    if (this.#torn) {
      throw corrupt(
        `${segmentName(number - 1)}: damaged after entry ${this.index.last.index}, and ${name} follows it`,
        {
          file: segmentName(number - 1),
          from: this.index.last.index + 1,
          to: null,
        },
      )
    }
    this.#wound = headerWound(number, buffer, size, this.#disk)
    const start = buffer.subarray(0, Math.min(size, headerBytes))
    if (!this.#wound && isSegmentHeaderDamaged(start)) {
      const from = this.index.last.index + 1
      throw corrupt(
        `${name}: its header is damaged, and nothing behind it tells what it was; entries from ${from} on cannot be read`,
        { file: name, from, to: null },
      )
    }
    const seed = checkSegmentHeader(start, number, this.#disk)
    if (this.index.runs.length === 0) this.#whole = { segment: number, offset: headerBytes }
    let at = headerBytes
    for (;;) {
      const header = decodeBatchHeader(buffer, at, size, at, seed)
      if (!header || !isBodyWhole(buffer, at + batchHeaderBytes, size, header)) break
      const end = at + batchHeaderBytes + header.bodyBytes
      this.#addBatch(number, buffer, at, end, header)
      at = end
    }
    if (!isZero(buffer, at, size)) this.#judge(number, buffer, at, size, seed)
    this.extents.push({ number, end: at, size })
  }

  /** To be called after the last segment, with the sequence number of the state found. */
  finish(stateSequence: number): void {
    const { end, index } = this
    if (comparePlaces(end, this.#durable) < 0) {
      const { segment, offset } = this.#durable
      throw corrupt(
        `the log ends with entry ${index.last.index} in segment ${end.segment} at byte ${end.offset}, ` +
          `but it was durable up to byte ${offset} of ${segmentName(segment)}: its end is lost`,
        { file: segmentName(segment), from: index.last.index + 1, to: null },
      )
    }
    if (this.#stateSequence > stateSequence) {
      throw corrupt(
        `the log was written after state ${this.#stateSequence}, but the newest state found is ${stateSequence}: ` +
          'a vote may be forgotten; replace this replica by a new one with an empty directory',
        { file: '', from: null, to: null },
      )
    }
    const first = this.extents[0]
    if (first && first.number > 1 && index.runs.length === 0) {
      throw corrupt(`${segmentName(first.number - 1)} is missing, and with it the log`, {
        file: segmentName(first.number - 1),
        from: 1,
        to: null,
      })
    }
  }

  #addBatch(segment: number, buffer: Buffer, offset: number, end: number, header: BatchHeader): void {
    const { index } = this
    const { first, previousTerm, durable } = header
    const previous = this.extents.at(-1)
    const file = segmentName(segment)
    if (previous && durable.segment === previous.number && durable.offset !== previous.end) {
      throw corrupt(
        `${segmentName(previous.number)}: its end is lost, from entry ${index.last.index + 1} on`,
        {
          file: segmentName(previous.number),
          from: index.last.index + 1,
          to: null,
        },
      )
    }
    if (index.runs.length > 0 && !header.reset) {
      if (first > index.last.index + 1) {
        throw corrupt(
          `${file}: entries ${index.last.index + 1} to ${first - 1} are missing before byte ${offset}`,
          {
            file,
            from: index.last.index + 1,
            to: first - 1,
          },
        )
      }
      const term = index.termAt(first - 1)
      if (term !== undefined && term !== previousTerm) {
        throw corrupt(
          `${file}: entry ${first - 1} has term ${term}, the batch after it says ${previousTerm}`,
          {
            file,
            from: first - 1,
            to: first - 1,
          },
        )
      }
    }
    this.#lastGroup = durable
    this.#whole = { segment, offset: end }
    this.#stateSequence = Math.max(this.#stateSequence, header.stateSequence)
    index.startBatch({ first, offset, end }, segment, previousTerm, header.reset)
    while ((this.views.at(-1)?.index ?? 0) >= first || (header.reset && this.views.length > 0))
      this.views.pop()
    visitRecords(
      buffer,
      offset + batchHeaderBytes,
      header,
      (at, term, kind, time, payloadStart, payloadEnd) => {
        index.addEntry(at, term)
        if (kind === 'view') {
          this.views.push({
            index: at,
            term,
            time,
            kind,
            payload: Uint8Array.from(buffer.subarray(payloadStart, payloadEnd)),
          })
        }
        return true
      },
    )
  }

  /** There is something at `at` that is no whole batch: torn, or damaged? */
  #judge(segment: number, buffer: Buffer, at: number, size: number, seed: number): void {
    const place = { segment, offset: at }
    const headerBytes = correctBatchHeader(buffer, at, size, at, seed)
    const header = headerBytes && decodeBatchHeader(headerBytes, 0, headerBytes.length, at, seed)
    const whole = header !== null && isBodyWhole(buffer, at + batchHeaderBytes, size, header)
    const later = laterBatches(buffer, at + 1, size, seed)
    const wasDurable =
      comparePlaces(this.#durable, place) > 0 ||
      later.some((batch) => comparePlaces(batch.header.durable, place) > 0)
    // Judged by what is there, not by what a correction makes of it: of a torn header only a few bits may be missing.
    if (!wasDurable && isTorn(buffer, at, size, decodeBatchHeader(buffer, at, size, at, seed))) {
      this.#torn = true
      return
    }
    const next = later[0] ?? null
    // Of a segment that others follow, the first batch of the next one knows whether something is missing here.
    const mayBeEmpty = !wasDurable || this.#durable.segment > segment
    this.#wound =
      mayBeEmpty && header === null && next === null && isAlmostZero(buffer, at, size)
        ? { type: 'stray bits', segment, from: at, to: size }
        : {
            type: 'batch',
            segment,
            offset: at,
            seed,
            header,
            headerBytes,
            whole,
            next,
            durable: this.#durableBefore(at),
            stateSequence: this.#stateSequence,
            log: this.index,
          }
    const file = segmentName(segment)
    const from = header?.first ?? this.index.last.index + 1
    // Where the file ends before the batch does, more may have followed it.
    const isCut = header !== null && at + batchHeaderBytes + header.bodyBytes > size
    const to =
      header && header.count > 0 && !isCut
        ? header.first + header.count - 1
        : next
          ? next.header.first - 1
          : null
    throw corrupt(`${file}: damaged at byte ${at}; ${rangeOf(from, to)} cannot be read`, { file, from, to })
  }

  /** What is certainly durable when a batch is written here. The first batch of a segment has to name the end of the one before. */
  #durableBefore(offset: number): Place {
    const previous = this.extents.at(-1)
    return offset === headerBytes && previous
      ? { segment: previous.number, offset: previous.end }
      : this.#lastGroup
  }
}

/** Entries that are lost, in words. */
export function rangeOf(from: number, to: number | null): string {
  if (to === null) return `entries from ${from} on`
  return from === to ? `entry ${from}` : `entries ${from} to ${to}`
}

/**
 * Whether a write that was cut short explains a batch that is not whole: a sector of it is missing or was never written, so that it still has the
 * zeros the file had there. If every sector was written, it was whole once.
 */
function isTorn(buffer: Buffer, at: number, size: number, header: BatchHeader | null): boolean {
  const end = at + batchHeaderBytes + (header?.bodyBytes ?? 0)
  if (end > size) return true
  let start = at
  while (start < end) {
    const sectorEnd = Math.min(end, start - (start % sectorBytes) + sectorBytes)
    if (isZero(buffer, start, sectorEnd)) return true
    start = sectorEnd
  }
  return false
}

/** The damaged header of a segment that is certainly this one: its batches continue from the header that it should have. */
function headerWound(number: number, buffer: Buffer, size: number, disk: string): Wound | null {
  if (!isSegmentHeaderDamaged(buffer.subarray(0, Math.min(size, headerBytes)))) return null
  const seed = encodeSegmentHeader(number, disk).readUInt32LE(headerBytes - 4)
  const ours = isZero(buffer, headerBytes, size) || laterBatches(buffer, headerBytes, size, seed).length > 0
  return ours ? { type: 'segment header', segment: number } : null
}

export interface PlacedHeader {
  readonly header: BatchHeader
  readonly offset: number
}

/** The batch headers behind a place, those in void bytes too. */
export function laterBatches(buffer: Buffer, from: number, size: number, seed: number): PlacedHeader[] {
  const found: PlacedHeader[] = []
  for (let at = findMagic(buffer, from, size); at !== -1; at = findMagic(buffer, at + 1, size)) {
    const header = decodeBatchHeader(buffer, at, size, at, seed)
    if (header) found.push({ header, offset: at })
  }
  return found
}

/** Half the bits of the four bytes that every batch begins with: with no more than these set, no batch was there. */
const mostStrayBits = 8

function isAlmostZero(buffer: Buffer, from: number, to: number): boolean {
  let bits = 0
  for (let at = from; at < to && bits <= mostStrayBits; at++) bits += countBits(buffer.readUInt8(at))
  return bits <= mostStrayBits
}

const zeros = Buffer.alloc(64 * 1024)

export function isZero(buffer: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at += zeros.length) {
    const length = Math.min(zeros.length, to - at)
    if (buffer.compare(zeros, 0, length, at, at + length) !== 0) return false
  }
  return true
}

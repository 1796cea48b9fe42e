import type { Entry, EntryKind } from '../entry.ts'
import type { Place } from './place.ts'
import { checksum, getUint64, putUint64, viewOf } from './wire.ts'

export const batchHeaderBytes = 64
const recordHeaderBytes = 24
const endMarkBytes = 4
/** Bytes of one batch beside its records. */
const batchOverheadBytes = batchHeaderBytes + endMarkBytes

// No byte of a magic number or end mark is zero: a sector of a batch that reached the disk is never all zero at the batch's ends.
const magic = Buffer.from([0xb1, 0x4c, 0x4f, 0x47])
const magicNumber = magic.readUInt32LE(0)
const headerEnd = 0xa5_c3_a5_c3
const endMark = 0xe7_d6_c5_b4
/** Not zero, for the same reason. */
const filler = 0xff

const resetFlag = 1

const kindCodes: Record<EntryKind, number> = { command: 1, view: 2, noop: 3 }
const kinds: readonly (EntryKind | undefined)[] = [undefined, 'command', 'view', 'noop']

export interface BatchHeader {
  /** Index of the first entry. What the log held from there on is void. */
  readonly first: number
  /** Term of the entry before the first one. */
  readonly previousTerm: number
  readonly count: number
  readonly bodyBytes: number
  readonly bodySum: number
  /** Everything before this place was durable before this batch was written. */
  readonly durable: Place
  /** The state with this sequence number was durable before this batch was written. */
  readonly stateSequence: number
  /** The log before the first entry is void, too: a snapshot has taken its place. */
  readonly reset: boolean
}

/** What all batches of one write share. */
export interface GroupHeader {
  /** Where in its segment the group begins. */
  readonly offset: number
  /** Checksum of the segment's header, which every batch header's checksum continues. */
  readonly seed: number
  readonly durable: Place
  readonly stateSequence: number
  readonly first: number
  readonly previousTerm: number
  readonly reset: boolean
  /** A batch is closed when its records would take more than this. */
  readonly batchBytes: number
}

/** Where a batch lies in its segment. */
export interface BatchExtent {
  readonly first: number
  readonly offset: number
  readonly end: number
}

/** Bytes that entries take in a group, at most. */
export function groupBytes(recordBytes: number, batchBytes: number): number {
  // Two neighbouring batches hold more than `batchBytes` together.
  return recordBytes + batchOverheadBytes * (1 + Math.ceil((2 * recordBytes) / batchBytes))
}

export function recordBytes(entry: Entry): number {
  return recordHeaderBytes + entry.payload.length
}

/** Writes the entries of a group as batches to the beginning of `buffer`, which has room for `groupBytes`. */
export function encodeGroup(
  buffer: Buffer,
  group: GroupHeader,
  parts: readonly (readonly Entry[])[],
): BatchExtent[] {
  const view = viewOf(buffer)
  const extents: BatchExtent[] = []
  let { first, previousTerm } = group
  let start = 0
  let at = batchHeaderBytes
  let count = 0
  let term = previousTerm
  const close = (): void => {
    view.setUint32(at, endMark, true)
    at += endMarkBytes
    const bodyStart = start + batchHeaderBytes
    view.setUint32(start, magicNumber, true)
    view.setUint32(start + 8, at - bodyStart, true)
    view.setUint32(start + 12, checksum(buffer, bodyStart, at), true)
    view.setUint32(start + 16, group.offset + start, true)
    view.setUint32(start + 20, count, true)
    putUint64(view, first, start + 24)
    putUint64(view, previousTerm, start + 32)
    view.setUint32(start + 40, group.durable.segment, true)
    view.setUint32(start + 44, group.durable.offset, true)
    view.setUint32(start + 48, group.stateSequence, true)
    view.setUint32(start + 52, group.reset ? resetFlag : 0, true)
    view.setUint32(start + 56, 0, true)
    view.setUint32(start + 60, headerEnd, true)
    view.setUint32(start + 4, checksum(buffer, start + 8, bodyStart, group.seed), true)
    extents.push({ first, offset: group.offset + start, end: group.offset + at })
  }
  for (const entries of parts) {
    for (const entry of entries) {
      const { payload } = entry
      if (
        count > 0 &&
        at + recordHeaderBytes + payload.length - start - batchHeaderBytes > group.batchBytes
      ) {
        close()
        first += count
        previousTerm = term
        start = at
        at += batchHeaderBytes
        count = 0
      }
      term = entry.term
      view.setUint32(at, payload.length, true)
      view.setUint32(at + 4, kindCodes[entry.kind], true)
      putUint64(view, term, at + 8)
      view.setFloat64(at + 16, entry.time, true)
      buffer.set(payload, at + recordHeaderBytes)
      at += recordHeaderBytes + payload.length
      count++
    }
  }
  close()
  return extents
}

/**
 * One batch of exactly `bytes` bytes with these entries, for the place of one that was lost; what they leave over is filled. Null if they need more. The same
 * header fields and entries give the same bytes.
 */
export function encodeBatch(
  header: Omit<BatchHeader, 'count' | 'bodyBytes' | 'bodySum'>,
  entries: readonly Entry[],
  place: { readonly offset: number; readonly seed: number; readonly bytes: number },
): Buffer | null {
  const { bytes, seed } = place
  const needed = entries.reduce((sum, entry) => sum + recordBytes(entry), batchOverheadBytes)
  if (needed > bytes) return null
  const buffer = Buffer.alloc(bytes)
  encodeGroup(buffer, { ...header, ...place, batchBytes: Number.POSITIVE_INFINITY }, [entries])
  if (needed < bytes) {
    buffer.fill(filler, needed - endMarkBytes, bytes)
    buffer.writeUInt32LE(endMark, bytes - endMarkBytes)
    buffer.writeUInt32LE(bytes - batchHeaderBytes, 8)
    buffer.writeUInt32LE(checksum(buffer, batchHeaderBytes, bytes), 12)
    buffer.writeUInt32LE(checksum(buffer, 8, batchHeaderBytes, seed), 4)
  }
  return buffer
}

/** The header at `at`, or null if there is no whole one that was written to exactly this place of this segment. */
export function decodeBatchHeader(
  buffer: Buffer,
  at: number,
  limit: number,
  offset: number,
  seed: number,
): BatchHeader | null {
  if (at + batchHeaderBytes > limit || buffer.readUInt32LE(at) !== magicNumber) return null
  if (buffer.readUInt32LE(at + 60) !== headerEnd || buffer.readUInt32LE(at + 16) !== offset) return null
  if (buffer.readUInt32LE(at + 4) !== checksum(buffer, at + 8, at + batchHeaderBytes, seed)) return null
  const view = viewOf(buffer)
  return {
    first: getUint64(view, at + 24),
    previousTerm: getUint64(view, at + 32),
    count: buffer.readUInt32LE(at + 20),
    bodyBytes: buffer.readUInt32LE(at + 8),
    bodySum: buffer.readUInt32LE(at + 12),
    durable: { segment: buffer.readUInt32LE(at + 40), offset: buffer.readUInt32LE(at + 44) },
    stateSequence: buffer.readUInt32LE(at + 48),
    reset: (buffer.readUInt32LE(at + 52) & resetFlag) !== 0,
  }
}

/** Bits that may differ in what every header has, for it to be taken for a damaged header. */
const mostFlippedBits = 8

/**
 * A copy of the header at `at` with flipped bits put right: up to eight in the parts that are known beforehand, up to two in the others, which its CRC32C finds without
 * ambiguity (Koopman 2002: Hamming distance 6 at this length). Null if it is no such header.
 */
export function correctBatchHeader(
  buffer: Buffer,
  at: number,
  limit: number,
  offset: number,
  seed: number,
): Buffer | null {
  if (at + batchHeaderBytes > limit) return null
  const header = Buffer.from(buffer.subarray(at, at + batchHeaderBytes))
  let flipped = 0
  for (const [value, place] of [
    [magicNumber, 0],
    [offset, 16],
    [0, 56],
    [headerEnd, 60],
  ] as const) {
    flipped += countBits(header.readUInt32LE(place) ^ value)
    header.writeUInt32LE(value, place)
  }
  if (flipped > mostFlippedBits) return null
  const wrong = (header.readUInt32LE(4) ^ checksum(header, 8, batchHeaderBytes, seed)) >>> 0
  const bits = wrong === 0 ? [] : bitsBehind(wrong)
  if (bits === null) return null
  for (const bit of bits) header.writeUInt8(header.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
  return header
}

export function countBits(value: number): number {
  let count = 0
  for (let left = value >>> 0; left !== 0; left = (left & (left - 1)) >>> 0) count++
  return count
}

/** What each bit from byte 4 on does to the difference of the checksums: a CRC is linear, so the effects of two bits add up by XOR. */
const effects: readonly (readonly [bit: number, effect: number])[] = effectsOfBits()

function effectsOfBits(): [bit: number, effect: number][] {
  const zero = Buffer.alloc(batchHeaderBytes)
  const none = checksum(zero, 8, batchHeaderBytes)
  const found: [bit: number, effect: number][] = []
  for (let bit = 32; bit < 8 * batchHeaderBytes; bit++) {
    if (bit < 64) {
      found.push([bit, (1 << (bit - 32)) >>> 0])
      continue
    }
    zero.writeUInt8(1 << (bit & 7), bit >> 3)
    found.push([bit, (checksum(zero, 8, batchHeaderBytes) ^ none) >>> 0])
    zero.writeUInt8(0, bit >> 3)
  }
  return found
}

/** The one or two bits that explain a difference of checksums; null if none do. */
function bitsBehind(difference: number): number[] | null {
  const one = effects.find(([, effect]) => effect === difference)
  if (one) return [one[0]]
  const byEffect = new Map(effects.map(([bit, effect]) => [effect, bit]))
  for (const [bit, effect] of effects) {
    const other = byEffect.get((difference ^ effect) >>> 0)
    if (other !== undefined) return [bit, other]
  }
  return null
}

/** Whether the body that begins at `at` is what was written. */
export function isBodyWhole(buffer: Buffer, at: number, limit: number, header: BatchHeader): boolean {
  const end = at + header.bodyBytes
  return (
    end <= limit &&
    checksum(buffer, at, end) === header.bodySum &&
    buffer.readUInt32LE(end - endMarkBytes) === endMark
  )
}

/** Calls `visit` for each record of a whole body, until it returns false. Payloads are views into `buffer`. */
export function visitRecords(
  buffer: Buffer,
  bodyStart: number,
  header: BatchHeader,
  visit: (
    index: number,
    term: number,
    kind: EntryKind,
    time: number,
    payloadStart: number,
    payloadEnd: number,
  ) => boolean,
): void {
  const view = viewOf(buffer)
  let at = bodyStart
  for (let index = header.first; index < header.first + header.count; index++) {
    const end = at + recordHeaderBytes + view.getUint32(at, true)
    const kind = kinds[view.getUint32(at + 4, true)]
    // The checksum held, so this was written so: not a damaged disk but a mistake in this software.
    if (kind === undefined) throw new Error(`entry ${index}: unknown kind ${view.getUint32(at + 4, true)}`)
    const more = visit(
      index,
      getUint64(view, at + 8),
      kind,
      view.getFloat64(at + 16, true),
      at + recordHeaderBytes,
      end,
    )
    if (!more) return
    at = end
  }
}

/** The place of the next bytes at or after `at` that look like the beginning of a batch; -1 if there are none. */
export function findMagic(buffer: Buffer, at: number, limit: number): number {
  const found = buffer.indexOf(magic, at)
  return found === -1 || found + batchHeaderBytes > limit ? -1 : found
}

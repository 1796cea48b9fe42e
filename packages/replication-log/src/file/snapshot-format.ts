import type { SnapshotInfo } from '../storage.ts'
import { StorageError } from '../storage-error.ts'
import type { OpenFile } from './file-system.ts'
import {
  bufferOf,
  checkHeader,
  checksum,
  formatVersion,
  getUint64,
  headerBytes,
  newHeader,
  putUint64,
  sealHeader,
  viewOf,
} from './wire.ts'

const letters = 'CHATSNAP'
/** All chunks but the last are this long, so that an offset tells its chunk. */
export const chunkBytes: number = 256 * 1024
const chunkHeaderBytes = 8
const trailerBytes = 32
const trailerMagic = 0x44_4e_45_53
/** Offsets in the second part of the header. */
const detailBytes = 40

export function snapshotName(info: { readonly index: number; readonly term: number }): string {
  return `snapshot-${String(info.index).padStart(16, '0')}-${info.term}.snap`
}

/** Index in the name of a snapshot, or null if the file is something else. */
export function snapshotIndex(name: string): number | null {
  const match = /^snapshot-(\d{16})-\d+\.snap$/.exec(name)
  return match ? Number(match[1]) : null
}

/** Writes a snapshot's bytes to a file, chunk by chunk. */
export class SnapshotEncoder {
  readonly #file: OpenFile
  readonly #seed: number
  readonly #header: Buffer
  readonly #frame: Buffer = Buffer.allocUnsafeSlow(chunkHeaderBytes + chunkBytes)
  #filled = 0
  #chunks = 0
  #sums = 0
  #position = 0
  bytes = 0

  constructor(file: OpenFile, info: Omit<SnapshotInfo, 'bytes'>) {
    this.#file = file
    this.#header = encodeHeader(info)
    this.#seed = this.#header.readUInt32LE(this.#header.length - 4)
  }

  async write(data: Uint8Array): Promise<void> {
    if (this.#position === 0) await this.#put(this.#header)
    let done = 0
    while (done < data.length) {
      const part = data.subarray(done, done + chunkBytes - this.#filled)
      this.#frame.set(part, chunkHeaderBytes + this.#filled)
      this.#filled += part.length
      done += part.length
      this.bytes += part.length
      if (this.#filled === chunkBytes) await this.#putChunk()
    }
  }

  async finish(): Promise<void> {
    await this.write(new Uint8Array(0))
    if (this.#filled > 0) await this.#putChunk()
    const trailer = Buffer.alloc(trailerBytes)
    trailer.writeUInt32LE(trailerMagic, 0)
    trailer.writeUInt32LE(this.#chunks, 4)
    putUint64(viewOf(trailer), this.bytes, 8)
    trailer.writeUInt32LE(this.#sums, 16)
    trailer.writeUInt32LE(checksum(trailer, 0, trailerBytes - 4, this.#seed), trailerBytes - 4)
    await this.#put(trailer)
  }

  async #putChunk(): Promise<void> {
    const end = chunkHeaderBytes + this.#filled
    this.#frame.writeUInt32LE(this.#filled, 0)
    this.#frame.writeUInt32LE(
      checksum(this.#frame, chunkHeaderBytes, end, chunkSeed(this.#seed, this.#chunks)),
      4,
    )
    this.#sums = checksum(this.#frame, 0, chunkHeaderBytes, this.#sums)
    this.#chunks++
    this.#filled = 0
    await this.#put(this.#frame.subarray(0, end))
  }

  async #put(bytes: Buffer): Promise<void> {
    await this.#file.write(bytes, this.#position)
    this.#position += bytes.length
  }
}

/** A snapshot whose header and trailer are whole. */
export interface SnapshotOnDisk {
  readonly info: SnapshotInfo
  readonly fileBytes: number
  readonly dataStart: number
  readonly seed: number
  readonly chunks: number
  /** Checksum of all chunks' headers. */
  readonly sums: number
}

/** Reads header and trailer. Null: damaged. */
export async function readSnapshotEnds(file: OpenFile, name: string): Promise<SnapshotOnDisk | null> {
  const header = Buffer.alloc(headerBytes)
  await file.read(header, headerBytes, 0)
  const version = checkHeader(header, letters)
  if (version === 'damaged') return null
  if (version !== formatVersion) {
    throw new StorageError(
      'newer format',
      `${name} has format ${version}, this software knows format ${formatVersion}: start the version that wrote it`,
    )
  }
  const viewBytes = header.readUInt32LE(12)
  const fileBytes = await file.size()
  const dataStart = headerBytes + detailBytes + viewBytes + 4
  if (fileBytes < dataStart + trailerBytes) return null
  const rest = Buffer.alloc(dataStart - headerBytes)
  await file.read(rest, rest.length, headerBytes)
  const seed = checksum(rest, 0, rest.length - 4, header.readUInt32LE(headerBytes - 4))
  if (rest.readUInt32LE(rest.length - 4) !== seed) return null
  const trailer = Buffer.alloc(trailerBytes)
  await file.read(trailer, trailerBytes, fileBytes - trailerBytes)
  if (trailer.readUInt32LE(0) !== trailerMagic) return null
  if (trailer.readUInt32LE(trailerBytes - 4) !== checksum(trailer, 0, trailerBytes - 4, seed)) return null
  const bytes = getUint64(viewOf(trailer), 8)
  const chunks = trailer.readUInt32LE(4)
  if (fileBytes !== dataStart + bytes + chunks * chunkHeaderBytes + trailerBytes) return null
  const details = viewOf(rest)
  const info = {
    index: getUint64(details, 0),
    term: getUint64(details, 8),
    viewPosition: { index: getUint64(details, 16), term: getUint64(details, 24) },
    time: rest.readDoubleLE(32),
    view: Uint8Array.from(rest.subarray(detailBytes, detailBytes + viewBytes)),
    bytes,
  }
  return { info, fileBytes, dataStart, seed, chunks, sums: trailer.readUInt32LE(16) }
}

/** Reads and checks one chunk into `frame`; returns its data, or null if it is damaged. Adds its header to `sums.value`. */
export async function readChunk(
  file: OpenFile,
  snapshot: SnapshotOnDisk,
  number: number,
  frame: Buffer,
  sums: { value: number },
): Promise<Buffer | null> {
  const length = Math.min(chunkBytes, snapshot.info.bytes - number * chunkBytes)
  const end = chunkHeaderBytes + length
  const got = await file.read(frame, end, snapshot.dataStart + number * (chunkHeaderBytes + chunkBytes))
  if (got !== end || frame.readUInt32LE(0) !== length) return null
  if (frame.readUInt32LE(4) !== checksum(frame, chunkHeaderBytes, end, chunkSeed(snapshot.seed, number)))
    return null
  sums.value = checksum(frame, 0, chunkHeaderBytes, sums.value)
  return frame.subarray(chunkHeaderBytes, end)
}

export function newFrame(): Buffer {
  return Buffer.allocUnsafeSlow(chunkHeaderBytes + chunkBytes)
}

/** Whether every chunk is what was written. */
export async function isSnapshotWhole(file: OpenFile, snapshot: SnapshotOnDisk): Promise<boolean> {
  const frame = newFrame()
  const sums = { value: 0 }
  for (let number = 0; number < snapshot.chunks; number++) {
    if (!(await readChunk(file, snapshot, number, frame, sums))) return false
  }
  return sums.value === snapshot.sums
}

function encodeHeader(info: Omit<SnapshotInfo, 'bytes'>): Buffer {
  const header = newHeader(letters)
  header.writeUInt32LE(info.view.length, 12)
  sealHeader(header)
  const rest = Buffer.alloc(detailBytes + info.view.length + 4)
  const details = viewOf(rest)
  putUint64(details, info.index, 0)
  putUint64(details, info.term, 8)
  putUint64(details, info.viewPosition.index, 16)
  putUint64(details, info.viewPosition.term, 24)
  rest.writeDoubleLE(info.time, 32)
  rest.set(bufferOf(info.view), detailBytes)
  rest.writeUInt32LE(
    checksum(rest, 0, rest.length - 4, header.readUInt32LE(headerBytes - 4)),
    rest.length - 4,
  )
  return Buffer.concat([header, rest])
}

/** A chunk counts only at its own place in its own snapshot. */
function chunkSeed(seed: number, number: number): number {
  return (seed + number) >>> 0
}

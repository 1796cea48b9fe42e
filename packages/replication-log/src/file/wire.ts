import { crc32c } from '@node-rs/crc32'

/** Version of everything this software writes; FORMAT.md describes it. */
export const formatVersion = 1

/** Every fixed header is this long, begins with eight letters and the format version, and ends with a CRC32C of the rest. In every version. */
export const headerBytes = 64

const high = 2 ** 32

/**
 * What is written and read for each entry goes by such a view: the V8 of Node 20 looks each method of a typed array up when it is called, also in code that it has made fast, and does not inline it.
 */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** A whole number below 2^53, little-endian in eight bytes. */
export function putUint64(view: DataView, value: number, at: number): void {
  view.setUint32(at, value >>> 0, true)
  view.setUint32(at + 4, Math.floor(value / high), true)
}

export function getUint64(view: DataView, at: number): number {
  const low = view.getUint32(at, true)
  const upper = view.getUint32(at + 4, true)
  // Not `low + upper * high` for all: V8 keeps what such a sum gives as a double, also a small one, and makes an object that holds it another kind of object, for which what was
  // compiled for the others has to be compiled anew.
  return upper === 0 ? low : low + upper * high
}

/** CRC32C (Castagnoli) of `buffer[start, end)`, continuing from `seed`. */
export function checksum(buffer: Buffer, start: number, end: number, seed = 0): number {
  return crc32c(buffer.subarray(start, end), seed)
}

/** A header with its letters and version in place; fill the rest, then `sealHeader`. */
export function newHeader(letters: string): Buffer {
  const header = Buffer.alloc(headerBytes)
  header.write(letters, 'latin1')
  header.writeUInt32LE(formatVersion, 8)
  return header
}

export function sealHeader(header: Buffer): Buffer {
  header.writeUInt32LE(checksum(header, 0, headerBytes - 4), headerBytes - 4)
  return header
}

/** The header's format version; 'damaged' if it is not a whole header of that kind. A version that is not ours means: leave the rest alone. */
export function checkHeader(header: Buffer, letters: string): number | 'damaged' {
  if (header.length < headerBytes || header.toString('latin1', 0, 8) !== letters) return 'damaged'
  if (header.readUInt32LE(headerBytes - 4) !== checksum(header, 0, headerBytes - 4)) return 'damaged'
  return header.readUInt32LE(8)
}

export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

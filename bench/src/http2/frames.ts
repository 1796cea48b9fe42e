// Frames of HTTP/2, as far as a client of unary calls meets them (RFC 9113 §4.1 and §6).
export const type = {
  data: 0,
  headers: 1,
  resetStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
} as const

export const flag = {
  acknowledged: 0x1,
  endStream: 0x1,
  endHeaders: 0x4,
  padded: 0x8,
  priority: 0x20,
} as const

export const setting = { tableSize: 1, push: 2, streams: 3, window: 4 } as const

/** The longest content that every peer takes, bytes. */
export const largestContent = 16_384
export const largestWindow = 2 ** 31 - 1
/** What a connection and a stream may carry before anything was granted, bytes. */
export const firstWindow = 65_535

const headBytes = 9
const settingBytes = 6
/** The highest bit of a stream's number, and of a window, is reserved. */
const unreserved = 0x7fffffff

export interface Frame {
  readonly type: number
  readonly flags: number
  /** 0: the frame is the connection's. */
  readonly stream: number
  readonly content: Buffer
}

export function encodeFrame(kind: number, flags: number, stream: number, content: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(headBytes + content.length)
  content.copy(bytes, writeHead(bytes, 0, { type: kind, flags, stream }, content.length))
  return bytes
}

/** @returns where the content begins */
function writeHead(bytes: Buffer, at: number, head: Omit<Frame, 'content'>, length: number): number {
  bytes.writeUIntBE(length, at, 3)
  bytes[at + 3] = head.type
  bytes[at + 4] = head.flags
  return bytes.writeUInt32BE(head.stream, at + 5)
}

/** Before each message of gRPC: whether it is compressed, and its length. */
export const prefixBytes = 5

/** A unary call of gRPC: a HEADERS frame, and a DATA frame that ends the stream. */
export function encodeCall(stream: number, block: Buffer, message: Buffer): Buffer {
  const length = prefixBytes + message.length
  const bytes = Buffer.allocUnsafe(2 * headBytes + block.length + length)
  let at = writeHead(bytes, 0, { type: type.headers, flags: flag.endHeaders, stream }, block.length)
  at += block.copy(bytes, at)
  at = writeHead(bytes, at, { type: type.data, flags: flag.endStream, stream }, length)
  at = bytes.writeUInt8(0, at)
  at = bytes.writeUInt32BE(message.length, at)
  message.copy(bytes, at)
  return bytes
}

export function encodeSettings(values: ReadonlyMap<number, number>): Buffer {
  const content = Buffer.alloc(settingBytes * values.size)
  let at = 0
  for (const [name, value] of values) {
    at = content.writeUInt16BE(name, at)
    at = content.writeUInt32BE(value, at)
  }
  return encodeFrame(type.settings, 0, 0, content)
}

export function decodeSettings(content: Buffer): Map<number, number> {
  const values = new Map<number, number>()
  for (let at = 0; at + settingBytes <= content.length; at += settingBytes)
    values.set(content.readUInt16BE(at), content.readUInt32BE(at + 2))
  return values
}

/** Of a WINDOW_UPDATE, and of the last stream in a GOAWAY. */
export function decodeNumber(content: Buffer): number {
  return content.readUInt32BE(0) & unreserved
}

export function encodeWindowUpdate(bytes: number): Buffer {
  const content = Buffer.alloc(4)
  content.writeUInt32BE(bytes)
  return encodeFrame(type.windowUpdate, 0, 0, content)
}

/** Makes frames of what the network brings in pieces. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0)

  read(piece: Buffer, take: (frame: Frame) => void): void {
    const bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece])
    let at = 0
    while (at + headBytes <= bytes.length) {
      const start = at + headBytes
      const end = start + bytes.readUIntBE(at, 3)
      if (end > bytes.length) break
      take({
        type: bytes[at + 3] ?? 0,
        flags: bytes[at + 4] ?? 0,
        stream: bytes.readUInt32BE(at + 5) & unreserved,
        content: bytes.subarray(start, end),
      })
      at = end
    }
    this.#rest = bytes.subarray(at)
  }
}

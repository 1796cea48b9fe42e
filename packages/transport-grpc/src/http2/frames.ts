import { ConnectionError, defaultFrameSize, type ErrorCode, errorCode, flag, frameType } from './protocol.ts'

/** Before the content of each frame (RFC 9113 §4.1). */
export const headBytes = 9
/** The highest bit of a stream's number, and of a window, is reserved. */
export const unreserved = 0x7fffffff

const settingBytes = 6

/** A frame's head alone: its content follows. */
export function encodeHead(type: number, flags: number, stream: number, length: number): Buffer {
  return allocateFrame(type, flags, stream, length, 0)
}

/** Writes a frame's head where there is room for it: right before its content. */
export function fillHead(
  bytes: Buffer,
  at: number,
  type: number,
  flags: number,
  stream: number,
  length: number,
): void {
  // Byte by byte: for each frame the calls of `Buffer` would cost as much as its memory.
  bytes[at] = length >>> 16
  bytes[at + 1] = length >>> 8
  bytes[at + 2] = length
  bytes[at + 3] = type
  bytes[at + 4] = flags
  bytes[at + 5] = stream >>> 24
  bytes[at + 6] = stream >>> 16
  bytes[at + 7] = stream >>> 8
  bytes[at + 8] = stream
}

export function encodeFrame(type: number, flags: number, stream: number, content: Buffer): Buffer {
  const bytes = allocateFrame(type, flags, stream, content.length, content.length)
  content.copy(bytes, headBytes)
  return bytes
}

/** The frames of a header block (§6.2, §6.10). `isLast`: nothing comes behind it. */
export function encodeBlock(stream: number, block: Buffer, isLast: boolean): Buffer[] {
  const frames: Buffer[] = []
  let type: number = frameType.headers
  let flags: number = isLast ? flag.endStream : 0
  for (let at = 0; at === 0 || at < block.length; at += defaultFrameSize) {
    const end = at + defaultFrameSize
    if (end >= block.length) flags |= flag.endHeaders
    frames.push(encodeFrame(type, flags, stream, block.subarray(at, end)))
    type = frameType.continuation
    flags = 0
  }
  return frames
}

export function encodeSettings(values: readonly (readonly [setting: number, value: number])[]): Buffer {
  const length = settingBytes * values.length
  const bytes = allocateFrame(frameType.settings, 0, 0, length, length)
  let at = headBytes
  for (const [setting, value] of values) {
    at = bytes.writeUInt16BE(setting, at)
    at = bytes.writeUInt32BE(value, at)
  }
  return bytes
}

/** Calls `take` for each setting. */
export function decodeSettings(content: Buffer, take: (setting: number, value: number) => void): void {
  if (content.length % settingBytes !== 0) throw sizeError('SETTINGS', content)
  for (let at = 0; at < content.length; at += settingBytes)
    take(content.readUInt16BE(at), content.readUInt32BE(at + 2))
}

/** `stream` 0: of the connection. */
export function encodeWindowUpdate(stream: number, bytes: number): Buffer {
  return encodeNumber(frameType.windowUpdate, stream, bytes)
}

export function encodeReset(stream: number, code: ErrorCode): Buffer {
  return encodeNumber(frameType.resetStream, stream, code)
}

/** `lastStream`: what was begun after it was not looked at. */
export function encodeGoAway(lastStream: number, code: ErrorCode): Buffer {
  const bytes = allocateFrame(frameType.goAway, 0, 0, 8, 8)
  bytes.writeUInt32BE(lastStream, headBytes)
  bytes.writeUInt32BE(code, headBytes + 4)
  return bytes
}

/** The content of a WINDOW_UPDATE or of an RST_STREAM. */
export function decodeNumber(content: Buffer): number {
  if (content.length !== 4) throw sizeError('A frame with a number', content)
  return content.readUInt32BE(0)
}

/** The content of a DATA or HEADERS frame without its padding (§6.1). */
export function unpadded(flags: number, content: Buffer): Buffer {
  if ((flags & flag.padded) === 0) return content
  const padding = content[0]
  if (padding === undefined || padding >= content.length)
    throw new ConnectionError(errorCode.protocolError, 'The padding of a frame is longer than the frame.')
  return content.subarray(1, content.length - padding)
}

export function sizeError(what: string, { length }: Buffer): ConnectionError {
  return new ConnectionError(errorCode.frameSizeError, `${what} cannot have ${length} bytes.`)
}

function encodeNumber(type: number, stream: number, value: number): Buffer {
  const bytes = allocateFrame(type, 0, stream, 4, 4)
  bytes.writeUInt32BE(value, headBytes)
  return bytes
}

/** `room`: how much of the content will be in the same memory. */
function allocateFrame(type: number, flags: number, stream: number, length: number, room: number): Buffer {
  const bytes = Buffer.allocUnsafe(headBytes + room)
  fillHead(bytes, 0, type, flags, stream, length)
  return bytes
}

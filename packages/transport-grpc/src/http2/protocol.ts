// The numbers of HTTP/2 (RFC 9113 §6, §7 and §6.5.2).
export const frameType = {
  data: 0,
  headers: 1,
  priority: 2,
  resetStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

export const flag = {
  acknowledged: 0x1,
  endStream: 0x1,
  endHeaders: 0x4,
  padded: 0x8,
  priority: 0x20,
} as const

export const errorCode = {
  noError: 0,
  protocolError: 1,
  flowControlError: 3,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  enhanceYourCalm: 11,
} as const

export type ErrorCode = (typeof errorCode)[keyof typeof errorCode]

export const setting = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const

/** What a client begins a connection with (§3.4). */
export const preface: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

/** Of the content of a frame, if nothing else was agreed on, bytes (§4.2). */
export const defaultFrameSize = 16_384
/** What a connection and a stream may carry before anything was granted, bytes (§6.9.2). */
export const defaultWindow = 65_535
/** What a connection may carry as soon as it has begun, bytes: what is kept of it is bounded by the windows of its streams. */
export const connectionWindow: number = 1024 * 1024
export const largestWindow: number = 2 ** 31 - 1

/** A window of the other end's with so much more; less than nothing takes it away (§6.9.1, §6.9.2). */
export function grownWindow(window: number, bytes: number): number {
  if (window + bytes <= largestWindow) return window + bytes
  throw new ConnectionError(errorCode.flowControlError, 'A window grew larger than a window can be.')
}

/** Why a connection cannot go on (§5.4.1). */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

// Frames of HTTP/2 as a caller writes them that keeps to no rules.

/** RFC 9113, section 6. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** Not indexed, not compressed (RFC 7541, section 6.2.2). */
function field(name: string, value: string): Buffer {
  const text = (it: string): Buffer => Buffer.concat([Buffer.of(it.length), Buffer.from(it)])
  return Buffer.concat([Buffer.of(0), text(name), text(value)])
}

/** The headers of a call: the first of its connection, whose other side stays open, unless it says otherwise. */
export function headersFrame({
  method = 'POST',
  contentType = 'application/grpc',
  path = '/nothing/here',
  stream = 1,
  isWhole = false,
}: {
  readonly method?: string
  readonly contentType?: string
  readonly path?: string
  readonly stream?: number
  readonly isWhole?: boolean
}): Buffer {
  const fields = [
    field(':method', method),
    field(':scheme', 'http'),
    field(':authority', 'x'),
    field(':path', path),
    field('content-type', contentType),
    field('te', 'trailers'),
  ]
  return frame(1, isWhole ? 0x5 : 0x4, stream, Buffer.concat(fields))
}

/** What a connection begins with. */
export const preface: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
export const noSettings: Buffer = frame(4, 0, 0)

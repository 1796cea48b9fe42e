import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js'

const raw = (bytes: Buffer): Buffer => bytes

/** How grpc-js describes a method whose messages are bytes. */
export function rawMethod(path: string, stream = false) {
  return {
    path,
    requestStream: stream,
    responseStream: stream,
    requestSerialize: raw,
    requestDeserialize: raw,
    responseSerialize: raw,
    responseDeserialize: raw,
  }
}

/** What a call of a `RawClient` fails with. */
export function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'metadata' in error
}

/** Calls with messages that are bytes: the load should take as little of the machine as it can. One connection. */
export class RawClient {
  readonly #client: Client

  constructor(address: string) {
    this.#client = new Client(address, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_http_proxy': 0,
      'grpc.initial_reconnect_backoff_ms': 20,
      'grpc.min_reconnect_backoff_ms': 20,
      'grpc.max_reconnect_backoff_ms': 100,
      'grpc.max_receive_message_length': -1,
    })
  }

  ready(timeoutMs = 10_000): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#client.waitForReady(Date.now() + timeoutMs, (error) => (error ? reject(error) : resolve()))
    })
  }

  unary(path: string, request: Buffer, metadata = new Metadata(), timeoutMs?: number): Promise<Buffer> {
    const options = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs }
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(path, raw, raw, request, metadata, options, (error, response) => {
        if (error) reject(error)
        else resolve(response ?? Buffer.alloc(0))
      })
    })
  }

  stream(path: string, metadata = new Metadata()): ClientDuplexStream<Buffer, Buffer> {
    return this.#client.makeBidiStreamRequest(path, raw, raw, metadata)
  }

  listen(path: string, request: Buffer, metadata = new Metadata()): ClientReadableStream<Buffer> {
    return this.#client.makeServerStreamRequest(path, raw, raw, request, metadata)
  }

  close(): void {
    this.#client.close()
  }
}

/** Waits for a server that is being started. */
export async function untilUp(address: string): Promise<void> {
  const client = new RawClient(address)
  await client.ready()
  client.close()
}

/** A length-delimited field of a protobuf message. */
export function field(number: number, value: Buffer | string): Buffer {
  const inside = Buffer.from(value)
  const bytes = Buffer.allocUnsafe(fieldBytes(inside.length))
  inside.copy(bytes, putHead(bytes, 0, number, inside.length))
  return bytes
}

/** Bytes of a length-delimited field with so many bytes inside, whose number is below 16. */
export function fieldBytes(inside: number): number {
  let bytes = 2 + inside
  for (let rest = inside; rest > 127; rest = Math.floor(rest / 128)) bytes++
  return bytes
}

/** Writes what stands before the inside of such a field; gives the place of the inside. */
export function putHead(to: Buffer, at: number, number: number, inside: number): number {
  let next = at
  to[next++] = (number << 3) | 2
  let rest = inside
  for (; rest > 127; rest = Math.floor(rest / 128)) to[next++] = (rest & 127) | 128
  to[next++] = rest
  return next
}

/** Reads the wire format in place. */
export class Reader {
  readonly bytes: Buffer
  at: number
  readonly end: number

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  get more(): boolean {
    return this.at < this.end
  }

  varint(): number {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = this.bytes[this.at++] ?? 0
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }

  /** The inside of a length-delimited field whose tag was read; goes on behind it. */
  inside(): Reader {
    const length = this.varint()
    const start = this.at
    this.at += length
    return new Reader(this.bytes, start, this.at)
  }

  /** Goes on behind a field whose tag was read. */
  skip(tag: number): void {
    if ((tag & 7) === 2) this.inside()
    else this.varint()
  }
}

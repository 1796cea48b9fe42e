import { connect, type Socket } from 'node:net'

// HTTP/2 as no library would speak it (RFC 9113 §6).

const types = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7, continuation: 9 } as const

export function frame(type: keyof typeof types, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(types[type], 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

function literal(name: number | string, value: string): Buffer {
  const key =
    typeof name === 'number' ? Buffer.from([name]) : Buffer.from([0, name.length, ...Buffer.from(name)])
  return Buffer.concat([key, Buffer.from([value.length]), Buffer.from(value)])
}

/** The headers of a gRPC call (RFC 7541, without compression): POST, http, :path, :authority, and the two that gRPC wants. */
export function callHeaders(path: string): Buffer {
  return Buffer.concat([
    Buffer.from([0x83, 0x86]),
    literal(4, path),
    literal(1, 'chat'),
    literal('content-type', 'application/grpc'),
    literal('te', 'trailers'),
  ])
}

/** What a client begins with. */
export const preface: Buffer = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  frame('settings', 0, 0, Buffer.alloc(0)),
])

/** A connection that writes whatever it is told for as long as the other end lets it. */
export class RawConnection {
  readonly #socket: Socket
  #written = 0
  #closed = false
  #goneAway = false
  #resets = 0
  #received = Buffer.alloc(0)

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1')
    this.#socket.on('error', () => undefined)
    this.#socket.on('close', () => {
      this.#closed = true
    })
    this.#socket.write(preface)
  }

  /** The other end has closed the connection, or said that it will hear no more of it (GOAWAY). */
  get refused(): boolean {
    return this.#closed || this.#goneAway
  }

  /** Calls that the other end has reset. */
  get resets(): number {
    return this.#resets
  }

  get written(): number {
    return this.#written
  }

  /** Reads, and drops, what comes. Without it what the other end answers piles up there. */
  read(): void {
    this.#socket.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes])
      for (;;) {
        if (this.#received.length < 9) return
        const length = 9 + this.#received.readUIntBE(0, 3)
        if (this.#received.length < length) return
        if (this.#received[3] === types.goaway) this.#goneAway = true
        if (this.#received[3] === types.reset) this.#resets++
        this.#received = this.#received.subarray(length)
      }
    })
  }

  /** Writes what `next` makes until it is refused or `stop` says so, with a turn for others now and then. */
  async flood(next: () => Buffer, stop: () => boolean): Promise<void> {
    while (!this.refused && !stop()) {
      const batch = Buffer.concat(Array.from({ length: 100 }, next))
      this.#written += batch.length
      const goesOn = this.#socket.write(batch)
      await new Promise<void>((resolve) => {
        if (goesOn) setImmediate(resolve)
        else {
          const done = (): void => {
            clearInterval(look)
            resolve()
          }
          // The other end may have stopped reading for good.
          const look = setInterval(() => {
            if (this.refused || stop()) done()
          }, 20)
          this.#socket.once('drain', done)
        }
      })
    }
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

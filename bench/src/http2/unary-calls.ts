import { connect, type Socket } from 'node:net'
import {
  decodeNumber,
  decodeSettings,
  encodeCall,
  encodeFrame,
  encodeSettings,
  encodeWindowUpdate,
  type Frame,
  FrameReader,
  firstWindow,
  flag,
  largestContent,
  largestWindow,
  prefixBytes,
  setting,
  type,
} from './frames.ts'
import { type Fields, readFields, requestBlocks } from './header-fields.ts'

/** How a call ended. */
export interface Answer {
  /** Of gRPC; 0: well. */
  readonly status: number
  /** What came behind the answer. */
  readonly trailers: Fields
}

export interface UnaryCallsOptions {
  /** `host:port`, plain text. */
  readonly address: string
  /** `/package.Service/Method`. */
  readonly path: string
  /** Of every call. */
  readonly metadata?: Fields
}

interface Call {
  readonly message: Buffer
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: Error) => void
}

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')
/** No table, so that any header block can be read alone; and no stream of ours ever waits for a window. */
const ownSettings = new Map<number, number>([
  [setting.tableSize, 0],
  [setting.push, 0],
  [setting.window, largestWindow],
])
/** Trailers that are read once: most are alike. */
const knownAnswers = 4_096

/**
 * Calls of one unary method over one connection, for a load that must cost less than what it loads: frames are written as bytes, those of one turn of the event loop together, and of an answer
 * nothing is read but its trailers. What it does not know it refuses in words; a connection that broke stays broken.
 */
export class UnaryCalls {
  readonly #socket: Socket
  readonly #blocks: { readonly first: Buffer; readonly later: Buffer }
  readonly #reader = new FrameReader()
  readonly #answers = new Map<string, Answer>()
  readonly #underWay = new Map<number, Call>()
  /** They wait for the end of this turn, or for the peer's window. */
  #unsent: Call[] = []
  #frames: Buffer[] = []
  #isScheduled = false
  #nextStream = 1
  /** What the peer takes: calls at a time; bytes, of the connection and of one call. */
  #streams = Number.POSITIVE_INFINITY
  #window = firstWindow
  #streamWindow = firstWindow
  /** What the peer may still send. */
  #ownWindow = firstWindow
  /** Why no more calls can be made. */
  #fault: Error | null = null
  #greeted: (fault: Error | null) => void = () => undefined

  private constructor({ address, path, metadata = new Map() }: UnaryCallsOptions) {
    this.#blocks = requestBlocks(
      new Map([
        [':path', path],
        [':authority', address],
        ['te', 'trailers'],
        ['content-type', 'application/grpc'],
        ...metadata,
      ]),
    )
    const { hostname, port } = new URL(`http://${address}`)
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true })
    this.#socket.on('data', (piece: Buffer) => this.#receive(piece))
    this.#socket.on('error', (cause) =>
      this.#break(new Error(`The connection to ${address} broke.`, { cause })),
    )
    this.#socket.on('close', () => this.#break(new Error(`${address} closed the connection.`)))
    this.#write(preface)
    this.#write(encodeSettings(ownSettings))
    this.#grant()
  }

  /** Resolves when the server has said what it takes. */
  static open(options: UnaryCallsOptions): Promise<UnaryCalls> {
    return new Promise((resolve, reject) => {
      const calls = new UnaryCalls(options)
      calls.#greeted = (fault) => {
        if (fault === null) resolve(calls)
        else reject(fault)
      }
    })
  }

  /** Rejects if there is no answer; a refusal is one. */
  call(message: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const reason = this.#fault ?? this.#excess(message)
      if (reason !== null) {
        reject(reason)
        return
      }
      this.#unsent.push({ message, resolve, reject })
      this.#schedule()
    })
  }

  close(): void {
    this.#break(new Error('The connection was closed here.'))
  }

  #excess({ length }: Buffer): Error | null {
    if (this.#underWay.size + this.#unsent.length >= this.#streams)
      return new Error(
        `The server takes ${this.#streams} calls at a time on a connection, and so many are under way: open another.`,
      )
    const most = Math.min(largestContent, this.#streamWindow) - prefixBytes
    if (length > most) return new RangeError(`A request of ${length} bytes: the load has up to ${most}.`)
    return null
  }

  #write(frame: Buffer): void {
    this.#frames.push(frame)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    this.#isScheduled = false
    let begun = 0
    for (const call of this.#unsent) {
      const length = prefixBytes + call.message.length
      if (length > this.#window) break
      this.#window -= length
      const block = this.#nextStream === 1 ? this.#blocks.first : this.#blocks.later
      this.#frames.push(encodeCall(this.#nextStream, block, call.message))
      this.#underWay.set(this.#nextStream, call)
      this.#nextStream += 2
      begun++
    }
    this.#unsent.splice(0, begun)
    if (this.#frames.length === 0) return
    this.#socket.write(Buffer.concat(this.#frames))
    this.#frames = []
  }

  #receive(piece: Buffer): void {
    try {
      this.#reader.read(piece, (frame) => this.#take(frame))
    } catch (cause) {
      this.#break(new Error('The server said what the load does not understand.', { cause }))
    }
  }

  #take({ type: kind, flags, stream, content }: Frame): void {
    switch (kind) {
      case type.data:
        if (flags & flag.endStream) throw new RangeError('An answer without trailers.')
        this.#ownWindow -= content.length
        if (this.#ownWindow < largestWindow / 2) this.#grant()
        break
      case type.headers:
        if ((flags & (flag.endHeaders | flag.padded | flag.priority)) !== flag.endHeaders)
          throw new RangeError(`A header block that is padded or in several frames (flags ${flags}).`)
        if (flags & flag.endStream) this.#end(stream)?.resolve(this.#answer(content))
        break
      case type.resetStream:
        this.#end(stream)?.reject(new Error(`The server broke a call off (code ${decodeNumber(content)}).`))
        break
      case type.settings:
        if (flags & flag.acknowledged) break
        this.#agree(decodeSettings(content))
        break
      case type.ping:
        if ((flags & flag.acknowledged) === 0)
          this.#write(encodeFrame(type.ping, flag.acknowledged, 0, content))
        break
      case type.goAway:
        this.#leave(decodeNumber(content))
        break
      case type.windowUpdate:
        // What a stream may carry never matters: a call is one frame, which its first window holds.
        if (stream === 0) {
          this.#window += decodeNumber(content)
          this.#schedule()
        }
        break
      default:
      // Of others a receiver takes no notice (§5.5).
    }
  }
  #grant(): void {
    this.#write(encodeWindowUpdate(largestWindow - this.#ownWindow))
    this.#ownWindow = largestWindow
  }

  #agree(settings: ReadonlyMap<number, number>): void {
    this.#streams = settings.get(setting.streams) ?? this.#streams
    this.#streamWindow = settings.get(setting.window) ?? this.#streamWindow
    this.#write(encodeFrame(type.settings, flag.acknowledged, 0, Buffer.alloc(0)))
    this.#greeted(null)
  }

  /** The call of a stream that is over; absent if it was given up. */
  #end(stream: number): Call | undefined {
    const call = this.#underWay.get(stream)
    this.#underWay.delete(stream)
    return call
  }

  #answer(block: Buffer): Answer {
    const bytes = block.toString('latin1')
    const known = this.#answers.get(bytes)
    if (known !== undefined) return known
    const trailers = readFields(block)
    const status = trailers.get('grpc-status')
    if (status === undefined) throw new RangeError('Trailers without a status of gRPC.')
    const answer = { status: Number(status), trailers }
    if (this.#answers.size >= knownAnswers) this.#answers.clear()
    this.#answers.set(bytes, answer)
    return answer
  }

  /** The server leaves: what it did not begin it never will; the rest is answered. */
  #leave(last: number): void {
    const left = new Error('The server asked to leave the connection.')
    this.#fault ??= left
    this.#greeted(left)
    for (const { reject } of this.#unsent.splice(0)) reject(left)
    for (const stream of this.#underWay.keys()) if (stream > last) this.#end(stream)?.reject(left)
  }

  #break(reason: Error): void {
    this.#fault ??= reason
    this.#greeted(reason)
    this.#socket.destroy()
    const lost = [...this.#underWay.values(), ...this.#unsent]
    this.#underWay.clear()
    this.#unsent = []
    for (const { reject } of lost) reject(reason)
  }
}

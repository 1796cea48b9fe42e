import { EventEmitter, once } from 'node:events'
import { type Duplex, duplexPair } from 'node:stream'
import { ServerConnection, type ServerConnectionOptions } from '../src/http2/server-connection.ts'
import type { Http2Stream, StreamListener } from '../src/http2/stream.ts'
import { frame, noSettings, preface } from './frames.ts'

/** A frame as it came. */
export interface Seen {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly content: Buffer
}

/** What happened to a stream, in its order. */
export interface Heard extends StreamListener {
  readonly stream: Http2Stream
  readonly fields: readonly string[]
  readonly bytes: Buffer[]
  readonly events: ('ended' | 'drained' | 'closed')[]
}

/** A caller that says what a test wants, at the other end of a connection without a network. */
export class Caller {
  readonly connection: ServerConnection
  /** The connection's own end. */
  readonly socket: Duplex
  /** Frames that came, in their order. */
  readonly seen: Seen[] = []
  /** Streams, in the order of their beginning. */
  readonly streams: Heard[] = []
  isClosed = false
  readonly #side: Duplex
  /** Tells of `news`: something came, or nothing more will. */
  readonly #news = new EventEmitter()
  #rest: Buffer = Buffer.alloc(0)
  #asked = 0

  /** `greeting`: what it begins with. Default: as it should. `opened`: told of each stream after it was listened to. */
  constructor({
    greeting = [preface, noSettings],
    opened = () => undefined,
    ...options
  }: Partial<Omit<ServerConnectionOptions, 'opened'>> & {
    greeting?: readonly Buffer[]
    opened?: (heard: Heard) => void
  } = {}) {
    const [own, other] = duplexPair()
    this.#side = own
    this.socket = other
    own.on('error', () => undefined)
    own.on('data', (chunk: Buffer) => this.#read(chunk))
    own.on('end', () => this.#news.emit('news'))
    this.connection = new ServerConnection(other, {
      mostStreams: 10,
      closed: () => {
        this.isClosed = true
        this.#news.emit('news')
      },
      ...options,
      opened: (stream, fields) => {
        const heard = listen(stream, fields)
        this.streams.push(heard)
        opened(heard)
      },
    })
    this.say(...greeting)
  }

  /** The first stream. */
  get first(): Heard {
    const [first] = this.streams
    if (first === undefined) throw new Error('No stream was begun.')
    return first
  }

  say(...frames: readonly Buffer[]): void {
    this.#side.write(Buffer.concat(frames))
  }

  /** Says this, and waits until the other end has looked at it: until it has answered a question after it, or ended. @returns the frames that came of it, but for the answer */
  async after(...frames: readonly Buffer[]): Promise<readonly Seen[]> {
    const from = this.seen.length
    const question = Buffer.alloc(8, ++this.#asked)
    this.say(...frames, frame(6, 0, 0, question))
    const isAnswer = ({ type, flags, content }: Seen): boolean =>
      type === 6 && flags === 1 && content.equals(question)
    while (!this.seen.some(isAnswer) && !this.#isOver) await once(this.#news, 'news')
    return this.seen.slice(from).filter((one) => !isAnswer(one))
  }

  /** Waits until a frame has come for which this holds. */
  async until(holds: (frame: Seen) => boolean): Promise<Seen> {
    for (;;) {
      const found = this.seen.find(holds)
      if (found !== undefined) return found
      await once(this.#news, 'news')
    }
  }

  /** Takes nothing more in. */
  stopReading(): void {
    this.#side.pause()
  }

  readOn(): void {
    this.#side.resume()
  }

  /** Waits until its end of the connection is closed by the other. */
  async ended(): Promise<void> {
    while (!this.#isOver) await once(this.#news, 'news')
  }

  /** Breaks the connection, and waits until the other end knows. */
  async hangUp(): Promise<void> {
    this.#side.destroy()
    this.socket.destroy()
    while (!this.isClosed) await once(this.#news, 'news')
  }

  get #isOver(): boolean {
    return this.isClosed || this.#side.readableEnded
  }

  #read(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk])
    while (this.#rest.length >= 9) {
      const end = 9 + this.#rest.readUIntBE(0, 3)
      if (this.#rest.length < end) break
      this.seen.push({
        type: this.#rest.readUInt8(3),
        flags: this.#rest.readUInt8(4),
        stream: this.#rest.readUInt32BE(5),
        content: this.#rest.subarray(9, end),
      })
      this.#rest = this.#rest.subarray(end)
    }
    this.#news.emit('news')
  }
}

function listen(stream: Http2Stream, fields: readonly string[]): Heard {
  const heard: Heard = {
    stream,
    fields,
    bytes: [],
    events: [],
    data: (bytes) => heard.bytes.push(Buffer.from(bytes)),
    ended: () => heard.events.push('ended'),
    drained: () => heard.events.push('drained'),
    closed: () => heard.events.push('closed'),
  }
  stream.listen(heard)
  return heard
}

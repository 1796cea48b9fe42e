import type { Duplex } from 'node:stream'
import { LinkedList } from '../linked-list.ts'
import { Allowance } from './allowance.ts'
import { noTable } from './field-encoder.ts'
import { FrameSplitter } from './frame-splitter.ts'
import {
  decodeNumber,
  decodeSettings,
  encodeBlock,
  encodeFrame,
  encodeGoAway,
  encodeWindowUpdate,
  sizeError,
  unpadded,
  unreserved,
} from './frames.ts'
import { type HeaderBlock, HeaderBlocks } from './header-blocks.ts'
import { Output } from './output.ts'
import {
  ConnectionError,
  connectionWindow,
  defaultFrameSize,
  defaultWindow,
  type ErrorCode,
  errorCode,
  flag,
  frameType,
  grownWindow,
  largestWindow,
  setting,
} from './protocol.ts'
import { Http2Stream, type StreamConnection } from './stream.ts'

export interface ConnectionOptions {
  /** Why it ends, if the other end broke the rules. Before `closed`. */
  readonly failed?: (error: ConnectionError) => void
  /** Nothing comes or goes any more; the streams know. Once. */
  readonly closed: () => void
}

/** Who does not take what is sent is not read any further from here on, bytes: what is answered would pile up. */
const mostUnsent = 1024 * 1024
/** Time for the other end to take in why its connection ends, milliseconds. */
const lingerMs = 1_000

/**
 * One end of a connection of HTTP/2 (RFC 9113), with HPACK (RFC 7541): without push, priorities, and extensions.
 *
 * What a stranger can make it keep is bounded: a frame and a header block that are not whole, a window of each stream, and what it was sent and does not take.
 *
 * Why not `node:http2`: a connection takes 25 KB there, of which most is nghttp2's buffer for frames, and a call several times the processor's time; and in Node 20 one packet of a stranger can end the
 * process (see BENCHMARKS.md, and `goodbye.test.ts` of the server). There is no library for it that is kept.
 */
export abstract class Http2Connection implements StreamConnection {
  readonly #socket: Duplex
  readonly #options: ConnectionOptions
  readonly #output: Output
  readonly #splitter: FrameSplitter
  readonly #blocks = new HeaderBlocks()
  readonly #streams = new Map<number, Http2Stream>()
  /** Those with something to send, while there is no room. */
  readonly #waiting = new LinkedList<Http2Stream>()
  readonly #windowChanges = new Allowance()
  #hasSettings = false
  #hasSentFields = false
  /** The last that the caller began. */
  #lastStream = 0
  /** What the other end takes, of all streams and of a new one, bytes. */
  #sendWindow = defaultWindow
  #streamWindow = defaultWindow
  /** What it has sent of all streams, and has not been granted anew. */
  #consumed = 0
  /** Of questions that are not answered. */
  #pings: (() => void)[] = []
  /** Streams that are begun from here on are not looked at. */
  #isLeaving = false
  /** Nothing that comes is looked at any more. */
  #isEnding = false
  #isClosed = false

  /** `expected`: what the other end begins with before its frames. `greeting`: what this one begins with. */
  constructor(socket: Duplex, expected: Buffer, greeting: Buffer, options: ConnectionOptions) {
    this.#socket = socket
    this.#options = options
    this.#splitter = new FrameSplitter(expected, (type, flags, stream, content) =>
      this.#take(type, flags, stream, content),
    )
    this.#output = new Output(socket, () => this.#moved())
    this.#output.push(greeting)
    this.#output.push(encodeWindowUpdate(0, connectionWindow - defaultWindow))
    // What breaks it is told by its streams.
    socket.on('error', () => undefined)
    socket.on('close', () => this.#close())
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
  }

  get destroyed(): boolean {
    return this.#isClosed
  }

  /** Calls under way. */
  get streams(): number {
    return this.#streams.size
  }

  /** Asks for a sign of life. `answered`: called when it has come. */
  ping(answered: () => void): void {
    this.#pings.push(answered)
    this.#output.push(encodeFrame(frameType.ping, 0, 0, Buffer.alloc(8)))
  }

  /** Ends it in order: the other end is told, the calls under way go on, and with the last it ends. Twice is once. */
  leave(): void {
    if (this.#isLeaving || this.#isClosed) return
    this.#isLeaving = true
    this.#output.push(encodeGoAway(this.lastTaken, errorCode.noError))
    this.#endIfLeft()
  }

  /** A header block of a stream has come. */
  protected abstract takeBlock(block: HeaderBlock): void

  /** The other end gives a stream up that is under way, or makes this one do so. Throws a `ConnectionError` if it does so too often. */
  protected abstract countReset(): void

  /** The other end has said goodbye: it begins, or takes, no more streams. */
  protected abstract takeGoodbye(): void

  protected find(id: number): Http2Stream | undefined {
    return this.#streams.get(id)
  }

  /** The last stream that was begun. */
  protected get lastStream(): number {
    return this.#lastStream
  }

  protected set lastStream(id: number) {
    this.#lastStream = id
  }

  /** The last stream of the other end that was looked at. */
  protected get lastTaken(): number {
    return this.#lastStream
  }

  protected get isLeaving(): boolean {
    return this.#isLeaving
  }

  protected add(id: number): Http2Stream {
    const stream = new Http2Stream(id, this, this.#streamWindow)
    this.#streams.set(id, stream)
    return stream
  }

  /** Breaks it off. */
  destroy(): void {
    this.#socket.destroy()
    this.#close()
  }

  // What follows is for its streams.

  get room(): number {
    return this.#output.isFull ? 0 : this.#sendWindow
  }

  push(frame: Buffer): void {
    this.#output.push(frame)
  }

  pushFields(stream: number, fields: Buffer, isLast: boolean): void {
    const block = this.#hasSentFields ? fields : Buffer.concat([noTable, fields])
    this.#hasSentFields = true
    for (const frame of encodeBlock(stream, block, isLast)) this.#output.push(frame)
  }

  onSent(sent: () => void): void {
    this.#output.onSent(sent)
  }

  spent(bytes: number): void {
    this.#sendWindow -= bytes
  }

  wait(stream: Http2Stream): void {
    stream.place ??= this.#waiting.add(stream)
  }

  refuse(stream: Http2Stream, code: ErrorCode): void {
    this.countReset()
    stream.reset(code)
  }

  forget(stream: Http2Stream): void {
    this.#streams.delete(stream.id)
    this.#stopWaiting(stream)
    if (this.#isLeaving) this.#endIfLeft()
  }

  #endIfLeft(): void {
    if (this.#streams.size === 0) this.#end()
  }

  /**
   * Sends what is to be sent, and then waits some time for the other end to close: what is closed while something of it is unread may not let it read the last. Who does not take what is sent is let go by who
   * looks for signs of life.
   */
  #end(): void {
    if (this.#isEnding || this.#isClosed) return
    this.#isEnding = true
    // Later: what ends it may be within a frame, and a listener.
    process.nextTick(() => {
      this.#output.flush()
      this.#socket.end(() => setTimeout(() => this.#socket.destroy(), lingerMs).unref())
      this.#socket.resume()
    })
  }

  #fail(error: ConnectionError): void {
    this.#options.failed?.(error)
    this.#output.push(encodeGoAway(this.lastTaken, error.code))
    this.#end()
    for (const stream of [...this.#streams.values()]) stream.close()
  }

  #close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#isEnding = true
    this.#pings = []
    for (const stream of [...this.#streams.values()]) stream.close()
    this.#options.closed()
  }

  /** There is room again. */
  #moved(): void {
    if (this.#socket.isPaused() && this.#output.bytes < mostUnsent) this.#socket.resume()
    // One frame of each in turn.
    while (this.room > 0) {
      const stream = this.#waiting.first?.value
      if (stream === undefined) return
      this.#stopWaiting(stream)
      if (stream.sendSome()) this.wait(stream)
    }
  }

  #stopWaiting(stream: Http2Stream): void {
    if (stream.place !== null) this.#waiting.delete(stream.place)
    stream.place = null
  }

  #receive(chunk: Buffer): void {
    if (this.#isEnding) return
    try {
      this.#splitter.push(chunk)
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error
      this.#fail(error)
    }
    if (this.#output.bytes >= mostUnsent && !this.#isEnding) {
      this.#output.flush()
      if (this.#output.bytes >= mostUnsent) this.#socket.pause()
    }
  }

  #take(type: number, flags: number, stream: number, content: Buffer): boolean {
    if (this.#blocks.isOpen && type !== frameType.continuation)
      throw violation('A header block is interrupted.')
    if (!this.#hasSettings && type !== frameType.settings) throw violation('The first frame is not SETTINGS.')
    switch (type) {
      case frameType.data:
        this.#data(flags, stream, content)
        break
      case frameType.headers:
        if (stream % 2 === 0) throw violation('A client has streams with odd numbers.')
        this.#takeBlock(this.#blocks.begin(flags, stream, content))
        break
      case frameType.priority:
        if (stream === 0) throw violation('PRIORITY of no stream.')
        if (content.length !== 5) throw sizeError('PRIORITY', content)
        break
      case frameType.resetStream:
        this.#reset(stream, content)
        break
      case frameType.settings:
        this.#settings(flags, stream, content)
        break
      case frameType.pushPromise:
        throw violation('Nothing may be promised.')
      case frameType.ping:
        this.#ping(flags, stream, content)
        break
      case frameType.goAway:
        if (stream !== 0) throw violation('GOAWAY of a stream.')
        if (content.length < 8) throw sizeError('GOAWAY', content)
        this.takeGoodbye()
        break
      case frameType.windowUpdate:
        this.#windowUpdate(stream, content)
        break
      case frameType.continuation:
        this.#takeBlock(this.#blocks.goOn(flags, stream, content))
        break
      default:
      // An extension that was not agreed on is passed over (§5.5).
    }
    return !this.#isEnding
  }

  #data(flags: number, id: number, content: Buffer): void {
    this.#checkBegun(id)
    this.#grant(content.length)
    const data = unpadded(flags, content)
    // Of one that is over there may be something on its way.
    const stream = this.#streams.get(id)
    if (stream === undefined) return
    stream.receive(data, content.length)
    if (flags & flag.endStream) stream.receiveEnd()
  }

  /** Lets the caller send again what came, at once: what is kept is bounded by the window of each stream. */
  #grant(bytes: number): void {
    this.#consumed += bytes
    if (this.#consumed < connectionWindow / 2) return
    this.#output.push(encodeWindowUpdate(0, this.#consumed))
    this.#consumed = 0
  }

  #takeBlock(block: HeaderBlock | null): void {
    if (block !== null) this.takeBlock(block)
  }

  #reset(id: number, content: Buffer): void {
    this.#checkBegun(id)
    decodeNumber(content)
    const stream = this.#streams.get(id)
    if (stream === undefined) return
    this.countReset()
    stream.close()
  }

  #settings(flags: number, stream: number, content: Buffer): void {
    if (stream !== 0) throw violation('SETTINGS of a stream.')
    if (flags & flag.acknowledged) {
      if (!this.#hasSettings) throw violation('The first frame is not SETTINGS.')
      if (content.length > 0) throw sizeError('SETTINGS with ACK', content)
      return
    }
    this.#hasSettings = true
    // Before what they allow: nghttp2 takes its own settings for valid when it reads this, and what comes before as by the old ones.
    this.#output.push(encodeFrame(frameType.settings, flag.acknowledged, 0, Buffer.alloc(0)))
    let streamWindow = this.#streamWindow
    decodeSettings(content, (name, value) => {
      checkSetting(name, value)
      if (name === setting.initialWindowSize) streamWindow = value
    })
    if (streamWindow !== this.#streamWindow) this.#changeWindows(streamWindow)
  }

  #changeWindows(streamWindow: number): void {
    if (!this.#windowChanges.isLeft())
      throw new ConnectionError(errorCode.enhanceYourCalm, 'Windows are changed all the time.')
    const change = streamWindow - this.#streamWindow
    this.#streamWindow = streamWindow
    for (const stream of this.#streams.values()) stream.allow(change)
  }

  #ping(flags: number, stream: number, content: Buffer): void {
    if (stream !== 0) throw violation('PING of a stream.')
    if (content.length !== 8) throw sizeError('PING', content)
    if (flags & flag.acknowledged) this.#pings.shift()?.()
    else this.#output.push(encodeFrame(frameType.ping, flag.acknowledged, 0, content))
  }

  #windowUpdate(id: number, content: Buffer): void {
    const bytes = decodeNumber(content) & unreserved
    if (bytes === 0) throw violation('A window grows by nothing.')
    if (id !== 0) {
      this.#checkBegun(id)
      this.#streams.get(id)?.allow(bytes)
      return
    }
    this.#sendWindow = grownWindow(this.#sendWindow, bytes)
    this.#moved()
  }

  #checkBegun(id: number): void {
    if (id === 0 || id % 2 === 0 || id > this.#lastStream) {
      // What was begun after a goodbye was not looked at.
      if (this.#isLeaving && id % 2 === 1) return
      throw violation(`A frame of stream ${id}, which nobody began.`)
    }
  }
}

/** Others do not matter here: nothing is pushed or entered into a table, and no frame is longer than all take. */
function checkSetting(name: number, value: number): void {
  if (name === setting.enablePush && value > 1) throw violation('ENABLE_PUSH is 0 or 1.')
  if (name === setting.maxFrameSize && (value < defaultFrameSize || value >= 2 ** 24))
    throw violation(`MAX_FRAME_SIZE of ${value}.`)
  if (name === setting.initialWindowSize && value > largestWindow)
    throw new ConnectionError(errorCode.flowControlError, `INITIAL_WINDOW_SIZE of ${value}.`)
}

export function violation(message: string): ConnectionError {
  return new ConnectionError(errorCode.protocolError, message)
}

import type { Place } from '../linked-list.ts'
import { encodeHead, encodeReset, encodeWindowUpdate, fillHead, headBytes } from './frames.ts'
import {
  defaultFrameSize,
  defaultWindow,
  type ErrorCode,
  errorCode,
  frameType,
  grownWindow,
} from './protocol.ts'

/** Who hears of a stream. Nothing is told after `closed`. */
export interface StreamListener {
  /** What an answer begins with, or ends with; names and values in turn. Of requests it is told otherwise. */
  answered?(fields: readonly string[]): void
  /** A part of what the other end sends; it is in the memory of what the network brought. */
  data(bytes: Buffer): void
  /** The other end has ended its side, after all of its data. */
  ended(): void
  /** The network has taken what was written, after a `write` that said it should be waited for. */
  drained(): void
  /** Nothing comes or goes any more: both sides are ended, or the stream was reset, or its connection broke. Once. */
  closed(): void
}

/** What a stream wants of its connection. */
export interface StreamConnection {
  /** A frame that nothing holds back. */
  push(frame: Buffer): void
  /** Fields before data or after it. */
  pushFields(stream: number, block: Buffer, isLast: boolean): void
  /** Calls `sent` when the network has taken what was pushed. */
  onSent(sent: () => void): void
  /** How much data may be sent now, bytes. */
  readonly room: number
  /** So many bytes of data were pushed. */
  spent(bytes: number): void
  /** It has something to send, but there is no room. */
  wait(stream: Http2Stream): void
  /** Resets a stream whose other end broke a rule. Throws a `ConnectionError` if that comes too often. */
  refuse(stream: Http2Stream, code: ErrorCode): void
  forget(stream: Http2Stream): void
}

/** What may wait to be sent before `write` says that it should be waited for, bytes. */
const highWater = 16_384
/** Parts that are held while nobody wants them; more are made one. */
const mostParts = 64

interface Written {
  bytes: Buffer
  /** Of `bytes`, what is free at the front. */
  room: number
  readonly sent: (() => void) | undefined
}

/** One end of a call on a connection of HTTP/2 (RFC 9113 §5). */
export class Http2Stream {
  readonly id: number
  /** Where it waits for room; the connection's own. */
  place: Place<Http2Stream> | null = null
  readonly #connection: StreamConnection
  #listener: StreamListener | null = null
  #isClosed = false
  /** It was closed before both sides were ended. */
  #isBroken = false
  /** The other end has ended its side. */
  #isRead = false
  /** And that was told. */
  #isEndTold = false
  #isBegun = false
  /** All of this side was sent. */
  #isEnded = false
  #flows = true
  /** What came and nobody wants yet. */
  #held: Buffer[] = []
  /** What the other end may send, how much of that is left, and what was taken and it has not been granted anew; bytes. */
  #window = defaultWindow
  #receiveWindow = defaultWindow
  #consumed = 0
  /** What may be sent. */
  #sendWindow: number
  #queue: Written[] = []
  #queuedBytes = 0
  #isBlocked = false
  /** After all that is queued. */
  #trailers: Buffer | null = null

  constructor(id: number, connection: StreamConnection, sendWindow: number) {
    this.id = id
    this.#connection = connection
    this.#sendWindow = sendWindow
  }

  /** From here on. Before it what comes is dropped. */
  listen(listener: StreamListener): void {
    this.#listener = listener
  }

  /** It takes nothing more to send. */
  get isOver(): boolean {
    return this.#isClosed || this.#isEnded || this.#trailers !== null
  }

  /** This side was begun. */
  get isBegun(): boolean {
    return this.#isBegun
  }

  /** All of this side was sent. */
  get isEnded(): boolean {
    return this.#isEnded
  }

  /** Begins this side; twice is once. `block`: its fields. */
  begin(block: Buffer): void {
    if (this.isOver || this.#isBegun) return
    this.#isBegun = true
    this.#connection.pushFields(this.id, block, false)
  }

  /** Begins this side and ends it, with nothing but these fields. */
  beginAndEnd(block: Buffer): void {
    if (this.isOver || this.#isBegun) return
    this.#isBegun = true
    this.#endSide(block)
  }

  /**
   * @param sent called when the network has taken it; not if the stream is broken off before
   * @param room so many bytes at the front of `bytes` are free: with `headBytes` or more, what goes in one frame is not copied
   * @returns false: better wait for `drained`
   */
  write(bytes: Buffer, sent?: () => void, room = 0): boolean {
    if (this.isOver) return false
    // With what goes anyway: a frame of its own wakes the other end once more.
    if (this.#consumed >= this.#window / 2) this.#grantTaken()
    this.#queue.push({ bytes, room, sent })
    this.#queuedBytes += bytes.length - room
    this.#sendOrWait()
    if (this.#queuedBytes < highWater) return true
    this.#isBlocked = true
    return false
  }

  /** Ends this side, after what was written. `trailers`: its last fields. */
  end(trailers: Buffer): void {
    if (this.isOver) return
    this.#trailers = trailers
    this.#endIfSent()
  }

  /** Ends the stream at once. */
  reset(code: ErrorCode): void {
    if (this.#isClosed) return
    this.#connection.push(encodeReset(this.id, code))
    this.close()
  }

  /** Lets the other end send so much before it is granted more: more than now, and no less than so much may have to be held. */
  widen(window: number): void {
    const more = window - this.#window
    if (more <= 0 || this.#isClosed || this.#isRead) return
    this.#window = window
    this.#receiveWindow += more
    this.#connection.push(encodeWindowUpdate(this.id, more))
  }

  /** Lets the other end send no more than its window. */
  pause(): void {
    this.#flows = false
  }

  resume(): void {
    this.#flows = true
    while (this.#flows && this.#held.length > 0) {
      const bytes = this.#held.shift()
      if (bytes === undefined) break
      this.#listener?.data(bytes)
      this.#grant(bytes.length)
    }
    this.#tellEnd()
  }

  // What follows is the connection's to call.

  receiveAnswer(fields: readonly string[]): void {
    this.#listener?.answered?.(fields)
  }

  /** `size`: what counts against the window: the data and its padding. */
  receive(data: Buffer, size: number): void {
    if (this.#isRead) {
      this.#connection.refuse(this, errorCode.streamClosed)
      return
    }
    this.#receiveWindow -= size
    if (this.#receiveWindow < 0) {
      this.#connection.refuse(this, errorCode.flowControlError)
      return
    }
    if (this.#flows) {
      if (data.length > 0) this.#listener?.data(data)
      this.#grant(size)
      return
    }
    this.#grant(size - data.length)
    if (data.length === 0) return
    // A copy: the memory of what the network brought may be much larger than this part of it.
    this.#held.push(Buffer.from(data))
    if (this.#held.length > mostParts) this.#held = [Buffer.concat(this.#held)]
  }

  receiveEnd(): void {
    if (this.#isClosed) return
    if (this.#isRead) {
      this.#connection.refuse(this, errorCode.streamClosed)
      return
    }
    this.#isRead = true
    this.#tellEnd()
    this.#closeIfDone()
  }

  /** The other end takes so much more; a change of the settings may make it less (§6.9.2). */
  allow(bytes: number): void {
    this.#sendWindow = grownWindow(this.#sendWindow, bytes)
    if (bytes > 0) this.#sendOrWait()
  }

  /** Sends one frame of what is queued. @returns whether there is more that its own window may allow */
  sendSome(): boolean {
    const first = this.#queue[0]
    if (first === undefined) return false
    const { bytes, room, sent } = first
    const length = bytes.length - room
    const allowed = Math.min(this.#connection.room, this.#sendWindow, defaultFrameSize)
    const size = Math.max(0, Math.min(length, allowed))
    if (size === 0 && length > 0) return false
    const isWhole = size === length
    if (isWhole && room >= headBytes) {
      const begin = room - headBytes
      fillHead(bytes, begin, frameType.data, 0, this.id, size)
      this.#connection.push(begin === 0 ? bytes : bytes.subarray(begin))
    } else {
      this.#connection.push(encodeHead(frameType.data, 0, this.id, size))
      this.#connection.push(size === bytes.length ? bytes : bytes.subarray(room, room + size))
    }
    this.#connection.spent(size)
    this.#sendWindow -= size
    this.#queuedBytes -= size
    if (isWhole) {
      this.#queue.shift()
      if (sent !== undefined) this.#connection.onSent(() => this.#isBroken || sent())
      if (this.#queue.length === 0) {
        this.#tellDrained()
        this.#endIfSent()
      }
    } else {
      first.bytes = bytes.subarray(room + size)
      first.room = 0
    }
    return this.#queue.length > 0
  }

  /** Both sides are over, however that came. Twice is once. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#isBroken = !(this.#isRead && this.#isEnded)
    this.#queue = []
    this.#held = []
    this.#trailers = null
    this.#connection.forget(this)
    this.#listener?.closed()
    this.#listener = null
  }

  #sendOrWait(): void {
    while (this.sendSome());
    // What its own window holds back waits for `allow`.
    if (this.#queue.length > 0 && this.#sendWindow > 0) this.#connection.wait(this)
  }

  /** The last fields need no room. */
  #endIfSent(): void {
    if (this.#queue.length > 0 || this.#trailers === null || this.#isEnded || this.#isClosed) return
    this.#endSide(this.#trailers)
  }

  #endSide(block: Buffer): void {
    this.#isEnded = true
    this.#connection.pushFields(this.id, block, true)
    this.#closeIfDone()
  }

  #tellDrained(): void {
    if (!this.#isBlocked) return
    this.#isBlocked = false
    this.#listener?.drained()
  }

  /** Lets the other end send again what was taken, before it has nothing left to send: it would wait for that. */
  #grant(bytes: number): void {
    this.#consumed += bytes
    if (this.#consumed >= (3 / 4) * this.#window) this.#grantTaken()
  }

  #grantTaken(): void {
    if (this.#isClosed || this.#isRead) return
    this.#connection.push(encodeWindowUpdate(this.id, this.#consumed))
    this.#receiveWindow += this.#consumed
    this.#consumed = 0
  }

  #tellEnd(): void {
    if (!this.#isRead || this.#isEndTold || !this.#flows || this.#held.length > 0) return
    this.#isEndTold = true
    this.#listener?.ended()
  }

  #closeIfDone(): void {
    if (this.#isRead && this.#isEnded) this.close()
  }
}

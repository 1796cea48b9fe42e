import type { Duplex } from 'node:stream'
import { type ConnectionOptions, Http2Connection, violation } from './connection.ts'
import { encodeFields } from './field-encoder.ts'
import { encodeSettings } from './frames.ts'
import { type HeaderBlock, mostFieldBytes } from './header-blocks.ts'
import { errorCode, preface, setting } from './protocol.ts'
import type { Http2Stream, StreamListener } from './stream.ts'

export interface ClientConnectionOptions extends ConnectionOptions {
  /** The other end takes no more calls. */
  readonly goodbye: () => void
}

/** The end of a connection that calls. */
export class ClientConnection extends Http2Connection {
  readonly #goodbye: () => void

  constructor(socket: Duplex, options: ClientConnectionOptions) {
    const settings = encodeSettings([
      [setting.enablePush, 0],
      [setting.maxHeaderListSize, mostFieldBytes],
    ])
    super(socket, Buffer.alloc(0), Buffer.concat([preface, settings]), options)
    this.#goodbye = options.goodbye
  }

  /** Begins a call. How many the other end takes at a time is for its maker to know. `fields`: names and values in turn. */
  request(fields: readonly string[], listener: StreamListener): Http2Stream {
    this.lastStream += this.lastStream === 0 ? 1 : 2
    const stream = this.add(this.lastStream)
    stream.listen(listener)
    stream.begin(encodeFields(fields))
    return stream
  }

  /** An answer begins, or ends with trailers. */
  protected override takeBlock({ stream: id, endsStream, fields }: HeaderBlock): void {
    if (id > this.lastStream) throw violation(`An answer to a call ${id} that nobody made.`)
    const stream = this.find(id)
    if (stream === undefined) return
    if (fields === null) {
      this.refuse(stream, errorCode.enhanceYourCalm)
      return
    }
    stream.receiveAnswer(fields)
    if (endsStream) stream.receiveEnd()
  }

  protected override get lastTaken(): number {
    // Nobody calls here.
    return 0
  }

  protected override countReset(): void {
    // As many as there were calls.
  }

  protected override takeGoodbye(): void {
    this.#goodbye()
  }
}

import type { Duplex } from 'node:stream'
import { Allowance } from './allowance.ts'
import { type ConnectionOptions, Http2Connection } from './connection.ts'
import { encodeReset, encodeSettings } from './frames.ts'
import { type HeaderBlock, mostFieldBytes } from './header-blocks.ts'
import { ConnectionError, type ErrorCode, errorCode, preface, setting } from './protocol.ts'
import { isRequest } from './requests.ts'
import type { Http2Stream } from './stream.ts'

export interface ServerConnectionOptions extends ConnectionOptions {
  /** At a time. More are refused, which the caller may try again. */
  readonly mostStreams: number
  /** A request has begun. `fields`: names and values in turn. */
  readonly opened: (stream: Http2Stream, fields: readonly string[]) => void
}

/** The end of a connection that is called. */
export class ServerConnection extends Http2Connection {
  readonly #options: ServerConnectionOptions
  readonly #resets = new Allowance()

  constructor(socket: Duplex, options: ServerConnectionOptions) {
    const greeting = encodeSettings([
      [setting.maxConcurrentStreams, options.mostStreams],
      [setting.maxHeaderListSize, mostFieldBytes],
    ])
    super(socket, preface, greeting, options)
    this.#options = options
  }

  /** A request begins, or ends with trailers. */
  protected override takeBlock({ stream: id, endsStream, fields }: HeaderBlock): void {
    const known = this.find(id)
    if (known !== undefined) {
      // Trailers: nobody asks for them.
      if (endsStream) known.receiveEnd()
      else this.refuse(known, errorCode.protocolError)
      return
    }
    // One that is over: it may have been on its way.
    if (id <= this.lastStream) return
    if (this.isLeaving) return
    this.lastStream = id
    const fault = this.#faultOf(fields)
    if (fields === null || fault !== null) {
      this.push(encodeReset(id, fault ?? errorCode.enhanceYourCalm))
      return
    }
    const stream = this.add(id)
    this.#options.opened(stream, fields)
    if (endsStream) stream.receiveEnd()
  }

  #faultOf(fields: readonly string[] | null): ErrorCode | null {
    if (fields === null) return errorCode.enhanceYourCalm
    if (!isRequest(fields)) return errorCode.protocolError
    return this.streams >= this.#options.mostStreams ? errorCode.refusedStream : null
  }

  protected override countReset(): void {
    // Whoever begins and resets streams without end makes work and takes no answer (CVE-2023-44487), or lets this end reset them (CVE-2025-8671).
    if (!this.#resets.isLeft())
      throw new ConnectionError(errorCode.enhanceYourCalm, 'Streams are begun and reset all the time.')
  }

  protected override takeGoodbye(): void {
    this.leave()
  }
}

import { FieldDecoder } from './field-decoder.ts'
import { sizeError, unpadded } from './frames.ts'
import { ConnectionError, errorCode, flag } from './protocol.ts'

/** Of the fields of one request, and of the block they come in; bytes. */
export const mostFieldBytes = 65_536
/** Frames that one block may come in. */
const mostFragments = 16

/** What a HEADERS frame says, with the CONTINUATION frames that follow it. */
export interface HeaderBlock {
  readonly stream: number
  /** Its caller has nothing more to send. */
  readonly endsStream: boolean
  /** Names and values in turn; null: more than are taken. */
  readonly fields: readonly string[] | null
}

/** A block that is not whole. */
interface Fragments {
  readonly stream: number
  readonly endsStream: boolean
  readonly parts: Buffer[]
  bytes: number
}

/** Puts header blocks together and reads them, each, whatever is made of it: the next builds on it (RFC 9113 §4.3). */
export class HeaderBlocks {
  readonly #decoder = new FieldDecoder(mostFieldBytes)
  #open: Fragments | null = null

  /** Nothing may come before the rest of it. */
  get isOpen(): boolean {
    return this.#open !== null
  }

  /** @returns null: it is not whole yet */
  begin(flags: number, stream: number, content: Buffer): HeaderBlock | null {
    let part = unpadded(flags, content)
    if (flags & flag.priority) {
      if (part.length < 5) throw sizeError('HEADERS', content)
      part = part.subarray(5)
    }
    const endsStream = (flags & flag.endStream) !== 0
    if (flags & flag.endHeaders) return { stream, endsStream, fields: this.#decoder.decode(part) }
    this.#open = { stream, endsStream, parts: [Buffer.from(part)], bytes: part.length }
    return null
  }

  /** @returns null: it is not whole yet */
  goOn(flags: number, stream: number, content: Buffer): HeaderBlock | null {
    const open = this.#open
    if (open === null || open.stream !== stream)
      throw new ConnectionError(errorCode.protocolError, 'CONTINUATION of nothing.')
    open.parts.push(Buffer.from(content))
    open.bytes += content.length
    if (open.parts.length > mostFragments || open.bytes > mostFieldBytes)
      throw new ConnectionError(errorCode.enhanceYourCalm, 'A header block without end.')
    if ((flags & flag.endHeaders) === 0) return null
    this.#open = null
    const { endsStream, parts, bytes } = open
    return { stream, endsStream, fields: this.#decoder.decode(Buffer.concat(parts, bytes)) }
  }
}

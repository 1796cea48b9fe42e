/** A line that is not UTF-8, so that nobody knows what was meant. */
export class InvalidLine {
  /** From 1. */
  readonly number: number

  constructor(number: number) {
    this.number = number
  }
}

const lineFeed = 0x0a
/** UTF-8 of one UTF-16 unit has at most so many bytes. */
const bytesOfUnit = 3

/** Cuts a stream of UTF-8 bytes into lines, without their LF or CR LF. Keeps no more than one line, and of that no more than a bound. */
export class LineSplitter {
  readonly #maximumLength: number
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  /** The beginning of the line that is being read, in pieces, and how many bytes it has. */
  #pieces: Uint8Array[] = []
  #kept = 0
  /** True if what is behind the bound was dropped, maybe in the middle of a character. */
  #cut = false
  /** True if something was read since the last line break. */
  #begun = false
  #lines = 0

  /** @param maximumLength UTF-16 units of a line that are kept; what is behind them is dropped */
  constructor(maximumLength: number) {
    this.#maximumLength = maximumLength
  }

  push(bytes: Uint8Array): (string | InvalidLine)[] {
    const lines: (string | InvalidLine)[] = []
    let from = 0
    for (let at = bytes.indexOf(lineFeed); at !== -1; at = bytes.indexOf(lineFeed, from)) {
      this.#keep(bytes.subarray(from, at))
      lines.push(this.#line())
      from = at + 1
    }
    this.#keep(bytes.subarray(from))
    return lines
  }

  /** What follows the last line break, if anything does. */
  end(): (string | InvalidLine)[] {
    return this.#begun ? [this.#line()] : []
  }

  #keep(piece: Uint8Array): void {
    if (piece.length === 0) return
    this.#begun = true
    const room = bytesOfUnit * (this.#maximumLength + 1) - this.#kept
    if (piece.length > room) this.#cut = true
    const part = piece.slice(0, Math.max(0, room))
    this.#kept += part.length
    if (part.length > 0) this.#pieces.push(part)
  }

  #line(): string | InvalidLine {
    const bytes = Buffer.concat(this.#pieces)
    const cut = this.#cut
    this.#pieces = []
    this.#kept = 0
    this.#cut = false
    this.#begun = false
    this.#lines++
    try {
      // A character that was cut in two waits in the decoder, and is dropped with what was behind it.
      const decoded = this.#decoder.decode(bytes, { stream: cut })
      if (cut) this.#forget()
      const line = this.#lines === 1 ? decoded.replace(/^\ufeff/u, '') : decoded
      return (line.endsWith('\r') ? line.slice(0, -1) : line).slice(0, this.#maximumLength)
    } catch {
      return new InvalidLine(this.#lines)
    }
  }

  #forget(): void {
    try {
      this.#decoder.decode()
    } catch {
      // Half a character, which is what is to be forgotten.
    }
  }
}

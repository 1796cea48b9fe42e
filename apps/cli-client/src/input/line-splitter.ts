/** A line, or one that was too long to keep. */
export type Line = { readonly text: string } | { readonly tooLong: true }

/** Cuts a stream of UTF-8 bytes into lines, without their LF or CR LF. Keeps no more than one line. */
export class LineSplitter {
  readonly #maximumLength: number
  readonly #decoder = new TextDecoder()
  #rest = ''
  #skipping = false

  /** @param maximumLength UTF-16 units of a line that are kept at most */
  constructor(maximumLength: number) {
    this.#maximumLength = maximumLength
  }

  push(bytes: Uint8Array): Line[] {
    return this.#take(this.#decoder.decode(bytes, { stream: true }))
  }

  /** What follows the last line break, if anything does. */
  end(): Line[] {
    const lines = this.#take(this.#decoder.decode())
    const last = this.#line(this.#rest)
    if (this.#rest === '' && !this.#skipping) return lines
    return [...lines, last]
  }

  #take(text: string): Line[] {
    const parts = text.split('\n')
    const lines: Line[] = []
    for (const part of parts.slice(0, -1)) {
      lines.push(this.#line(this.#rest + part))
      this.#rest = ''
      this.#skipping = false
    }
    this.#rest += parts.at(-1) ?? ''
    if (this.#rest.length > this.#maximumLength) {
      this.#skipping = true
      this.#rest = ''
    }
    return lines
  }

  #line(text: string): Line {
    if (this.#skipping || text.length > this.#maximumLength) return { tooLong: true }
    return { text: text.endsWith('\r') ? text.slice(0, -1) : text }
  }
}

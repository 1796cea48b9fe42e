/** Cuts a stream of UTF-8 bytes into lines, without their LF or CR LF. Keeps no more than one line, and of that no more than a bound. */
export class LineSplitter {
  readonly #maximumLength: number
  readonly #decoder = new TextDecoder()
  #rest = ''
  /** True if something was read since the last line break. */
  #begun = false

  /** @param maximumLength UTF-16 units of a line that are kept; what is behind them is dropped */
  constructor(maximumLength: number) {
    this.#maximumLength = maximumLength
  }

  push(bytes: Uint8Array): string[] {
    return this.#take(this.#decoder.decode(bytes, { stream: true }))
  }

  /** What follows the last line break, if anything does. */
  end(): string[] {
    const lines = this.#take(this.#decoder.decode())
    return this.#begun ? [...lines, this.#line()] : lines
  }

  #take(text: string): string[] {
    const parts = text.split('\n')
    const last = parts.pop() ?? ''
    const lines = parts.map((part) => {
      this.#keep(part)
      return this.#line()
    })
    this.#keep(last)
    return lines
  }

  #keep(part: string): void {
    // One more for the CR that may be the end of the line.
    this.#rest += part.slice(0, this.#maximumLength + 1 - this.#rest.length)
    this.#begun ||= part !== ''
  }

  #line(): string {
    const line = this.#rest
    this.#rest = ''
    this.#begun = false
    return (line.endsWith('\r') ? line.slice(0, -1) : line).slice(0, this.#maximumLength)
  }
}

import type { Readable } from 'node:stream'
import { UsageError } from '../arguments.ts'
import type { Input, Question } from './input.ts'
import { InvalidLine, LineSplitter } from './line-splitter.ts'

/** UTF-16 units of a line: more than anything may be long, so that a line that was cut is refused like the whole of it. */
const maximumLineLength = 128 * 1024

/** Commands and answers from a file or a pipe, a line each. Reads on only as lines are wanted. */
export class ScriptInput implements Input {
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #stream: Readable
  readonly #splitter = new LineSplitter(maximumLineLength)
  readonly #closed: Promise<null>
  #lines: (string | InvalidLine)[] = []
  #ended = false
  #close: () => void = () => undefined

  constructor(stream: Readable) {
    this.#stream = stream
    const chunks: AsyncIterable<Uint8Array> = stream
    this.#chunks = chunks[Symbol.asyncIterator]()
    this.#closed = new Promise((resolve) => {
      this.#close = () => resolve(null)
    })
  }

  async command(): Promise<string | null> {
    return await this.#next()
  }

  async ask(_question: Question): Promise<string | null> {
    return await this.#next()
  }

  close(): void {
    this.#ended = true
    this.#lines = []
    this.#close()
    this.#stream.destroy()
  }

  async #next(): Promise<string | null> {
    for (;;) {
      const line = this.#lines.shift()
      if (line instanceof InvalidLine)
        throw new UsageError(
          `Line ${line.number} is not UTF-8: nothing was done with it. Convert the input, as with iconv.`,
        )
      if (line !== undefined) return line
      if (this.#ended) return null
      await this.#read()
    }
  }

  async #read(): Promise<void> {
    try {
      const chunk = await Promise.race([this.#chunks.next(), this.#closed])
      if (chunk === null || chunk.done === true) this.#finish()
      else this.#lines = this.#splitter.push(chunk.value)
    } catch {
      // Whoever was at the other end is gone, which ends a script like the end of a file.
      this.#finish()
    }
  }

  #finish(): void {
    if (!this.#ended) this.#lines = this.#splitter.end()
    this.#ended = true
  }
}

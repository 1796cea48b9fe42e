import { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import type { ReadStream } from 'node:tty'
import { PasteSplitter, pasteInLine, type Typed } from './paste.ts'

/** How long an Escape waits for what may make it a mark, milliseconds. */
const patienceMs = 20

/** The keys of a terminal for readline, without the pastes, which are handed on whole. */
export class Keyboard extends Readable {
  readonly #stdin: ReadStream
  readonly #onPaste: (text: string) => void
  readonly #decoder = new StringDecoder('utf8')
  readonly #splitter = new PasteSplitter()
  readonly #onData: (bytes: Buffer) => void
  #timer: NodeJS.Timeout | undefined

  /** @param onPaste given text that can stand in a line as it is */
  constructor(stdin: ReadStream, onPaste: (text: string) => void) {
    super({ encoding: 'utf8' })
    this.#stdin = stdin
    this.#onPaste = onPaste
    this.#onData = (bytes) => this.#take(this.#splitter.push(this.#decoder.write(bytes)))
    stdin.on('data', this.#onData)
    stdin.on('end', () => this.push(null))
    // The terminal is gone: no more keys.
    stdin.on('error', () => this.push(null))
  }

  /** Readline's way to have each key as it is pressed. */
  setRawMode(mode: boolean): void {
    this.#stdin.setRawMode(mode)
  }

  override _read(): void {
    this.#stdin.resume()
  }

  /** Reads no more. */
  close(): void {
    clearTimeout(this.#timer)
    this.#stdin.off('data', this.#onData)
    this.#stdin.pause()
    this.destroy()
  }

  /**
   * One by one. Many at once readline takes for a paste: it puts them at the end of the line, wherever the cursor is, and does not notice that
   * they fill a row.
   */
  #press(keys: string): void {
    for (const key of keys) this.push(key)
  }

  #take(typed: readonly Typed[]): void {
    for (const { kind, text } of typed) {
      if (kind === 'keys') this.#press(text)
      // Not before the keys that were pressed before it.
      else if (this.readableLength === 0) this.#onPaste(pasteInLine(text))
      else this.#press(pasteInLine(text))
    }
    clearTimeout(this.#timer)
    if (this.#splitter.isHolding)
      this.#timer = setTimeout(() => this.#take(this.#splitter.release()), patienceMs)
  }
}

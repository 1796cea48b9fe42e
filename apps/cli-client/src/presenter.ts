import type { InboxMessage } from '@chatroom/client'
import type { Format, Piece } from './format/format.ts'
import type { Output } from './output.ts'
import type { Result } from './result.ts'

/** Writes what there is to tell, in the format of this run. */
export class Presenter {
  readonly #format: Format
  readonly #output: Output
  readonly #onBroken: () => void

  /** @param onBroken called when nothing can be written any more: the reader of a pipe is gone, the terminal is closed */
  constructor(format: Format, output: Output, onBroken: () => void) {
    this.#format = format
    this.#output = output
    this.#onBroken = onBroken
  }

  async result(result: Result): Promise<void> {
    for (const piece of this.#format.result(result)) await this.#write(piece)
  }

  /** Resolves when the message has left the process; rejects if it never will. */
  async message({ from, text, id, sentAt }: InboxMessage): Promise<void> {
    await this.#write(this.#format.message({ from, text, id, sentAt }))
  }

  /** Tells something that no command asked for. */
  notice(text: string): void {
    this.#tell(this.#format.notice(text))
  }

  /** Tells something that only a person at a terminal wants to know. */
  aside(text: string): void {
    const piece = this.#format.aside(text)
    if (piece !== null) this.#tell(piece)
  }

  #tell(piece: Piece): void {
    // That it failed has been told to `onBroken`.
    this.#write(piece).catch(() => undefined)
  }

  async #write({ to, text }: Piece): Promise<void> {
    try {
      await this.#output.write(to, text)
    } catch (error) {
      this.#onBroken()
      throw error
    }
  }
}

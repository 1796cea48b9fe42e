import { join } from 'node:path'
import { appendPrivateFile, readPrivateFile, writePrivateFile } from './private-file.ts'

/** As many lines as the arrow keys go back. */
export const historySize = 500

/** Command lines of earlier runs, a line each, the oldest first. Several clients may add to it at a time. */
export class History {
  readonly #file: string
  readonly #onFailure: (why: string) => void
  #last: string | null = null
  #failed = false

  /** @param onFailure told once if the file can be neither read nor written, which keeps nobody from talking */
  constructor(directory: string, onFailure: (why: string) => void) {
    this.#file = join(directory, 'history')
    this.#onFailure = onFailure
  }

  /** The newest first, as readline wants them. */
  load(): string[] {
    return (
      this.#guard(() => {
        const lines = (readPrivateFile(this.#file) ?? '').split('\n').filter((line) => line !== '')
        const kept = lines.slice(-historySize)
        // Not at every start: another client that adds a line just now would lose it.
        if (lines.length > 2 * historySize)
          writePrivateFile(this.#file, kept.map((line) => `${line}\n`).join(''))
        this.#last = kept.at(-1) ?? null
        return kept.reverse()
      }) ?? []
    )
  }

  add(line: string): void {
    if (line === this.#last || line.includes('\n')) return
    this.#last = line
    this.#guard(() => appendPrivateFile(this.#file, `${line}\n`))
  }

  #guard<T>(action: () => T): T | null {
    if (this.#failed) return null
    try {
      return action()
    } catch (error) {
      this.#failed = true
      this.#onFailure(`The history cannot be kept: ${error instanceof Error ? error.message : String(error)}`)
      return null
    }
  }
}

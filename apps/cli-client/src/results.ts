import type { Result } from './result.ts'

/** Prints results in the order of the commands, however the commands end. */
export class Results {
  readonly #print: (result: Result) => Promise<void>
  #last: Promise<void> = Promise.resolve()

  constructor(print: (result: Result) => Promise<void>) {
    this.#print = print
  }

  /** The result of the next command in order, when it comes. It must not reject. */
  add(result: Promise<Result>): void {
    const before = this.#last
    this.#last = result.then(async (ended) => {
      await before
      await this.#print(ended)
    })
    // Whoever waits for `printed` hears of it.
    this.#last.catch(() => undefined)
  }

  /** Resolves when all results so far have been printed. Rejects if they cannot be. */
  async printed(): Promise<void> {
    await this.#last
  }
}

/** How long something may take before it is worth a word: a blink, milliseconds. */
export const blinkMs = 300
const frameMs = 120
const frames = ['⠋', '⠙', '⠸', '⠴', '⠦', '⠇'] as const

/**
 * What stands before a command: who is logged in, and, once it lasts longer than a blink, what is waited for: that a replica leads, or that messages
 * are acknowledged. Every change of it is told.
 */
export class Prompt {
  readonly #onChange: (prompt: string) => void
  #name: string | null = null
  #searching = false
  #unsent = 0
  #waiting: NodeJS.Timeout | undefined
  /** How many frames the spinner has turned; null while it is not shown. */
  #turned: number | null = null
  #shown = '> '

  constructor(onChange: (prompt: string) => void) {
    this.#onChange = onChange
  }

  /** @param name null if nobody is logged in */
  loggedIn(name: string | null): void {
    this.#name = name
    this.#update()
  }

  /** Whether it is being found out who leads. */
  searching(searching: boolean): void {
    this.#searching = searching
    this.#update()
  }

  /** How many messages have been given and are not acknowledged yet. */
  unsent(count: number): void {
    this.#unsent = count
    this.#update()
  }

  close(): void {
    clearTimeout(this.#waiting)
  }

  #update(): void {
    const waits = this.#searching || this.#unsent > 0
    if (!waits) {
      clearTimeout(this.#waiting)
      this.#waiting = undefined
      this.#turned = null
    } else if (this.#waiting === undefined) this.#turnAfter(blinkMs)
    this.#show()
  }

  #turnAfter(ms: number): void {
    this.#waiting = setTimeout(() => {
      this.#turned = this.#turned === null ? 0 : this.#turned + 1
      this.#turnAfter(frameMs)
      this.#show()
    }, ms)
    this.#waiting.unref()
  }

  #show(): void {
    const parts = [this.#name ?? '']
    if (this.#turned !== null) {
      parts.push(frames[this.#turned % frames.length] ?? '')
      if (this.#unsent > 0) parts.push(`${this.#unsent} unsent`)
      else parts.push('searching')
    }
    const prompt = `${parts.filter((part) => part !== '').join(' ')}> `
    if (prompt === this.#shown) return
    this.#shown = prompt
    this.#onChange(prompt)
  }
}

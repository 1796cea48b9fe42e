import { hashText } from './random.ts'

/**
 * What happened, in order: always as a hash, so that two runs can be compared, and as text if asked for. Text is made only then: it costs more than the
 * simulation.
 */
export class Trace {
  readonly #now: () => number
  readonly #print: ((line: string) => void) | null
  readonly #kinds = new Map<string, { readonly code: number; count: number }>()
  #low = 0x9e3779b9
  #high = 0x243f6a88
  #length = 0

  constructor(now: () => number, print: ((line: string) => void) | null) {
    this.#now = now
    this.#print = print
  }

  /** Whether anybody reads the text. */
  get verbose(): boolean {
    return this.#print !== null
  }

  get length(): number {
    return this.#length
  }

  /** Equal for two runs in which the same happened at the same times. */
  get hash(): string {
    const hex = (n: number): string => (n >>> 0).toString(16).padStart(8, '0')
    return hex(this.#high) + hex(this.#low)
  }

  /** How often each kind of thing happened. */
  counts(): Map<string, number> {
    return new Map([...this.#kinds].map(([kind, { count }]) => [kind, count]))
  }

  /** `who` is a replica, or -1. The numbers have to tell apart what differs. */
  note(kind: string, who: number, a = 0, b = 0, text?: () => string): void {
    let known = this.#kinds.get(kind)
    if (known === undefined) {
      known = { code: hashText(kind), count: 0 }
      this.#kinds.set(kind, known)
    }
    known.count++
    this.#length++
    this.#mix(known.code ^ (who + 1))
    this.#mix(this.#now() * 1024)
    this.#mix(a)
    this.#mix(b)
    if (this.#print !== null) {
      const whom = who < 0 ? '      ' : ` r${who}   `
      this.#print(
        `${this.#now().toFixed(2).padStart(11)}${whom}${kind}${text === undefined ? '' : ` ${text()}`}`,
      )
    }
  }

  /** For people only: not part of the hash. */
  say(text: () => string): void {
    this.#print?.(`${this.#now().toFixed(2).padStart(11)}      ${text()}`)
  }

  #mix(value: number): void {
    const upper = Math.floor(value / 4294967296)
    this.#low = Math.imul(this.#low ^ value, 0x85ebca6b) ^ (this.#high >>> 13)
    this.#high = Math.imul(this.#high ^ upper ^ this.#low, 0xc2b2ae35) ^ (this.#low >>> 16)
  }
}

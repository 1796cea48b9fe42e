// What a terminal sends around pasted text when it was asked to ("bracketed paste", xterm control sequences, mode 2004).
const begins = '\u001b[200~'
const ends = '\u001b[201~'
/** Asks the terminal for these, and no more. */
export const bracketPastes = '\u001b[?2004h'
export const bracketNoPastes = '\u001b[?2004l'

/** Stand in the line being typed for what would end it, or complete it. */
const lineBreak = '\u2424'
const tabulator = '\u2409'

/** More than any message may be long, UTF-16 units: what is pasted behind that is dropped. */
const maximumLength = 128 * 1024

/** Pasted text as it can stand in a line: line breaks as ␤, tabs as ␉, other control characters not at all. The line breaks at its end go. */
export function pasteInLine(text: string): string {
  return text
    .replace(/\r\n|\r/gu, '\n')
    .replace(/\n+$/u, '')
    .replaceAll('\n', lineBreak)
    .replaceAll('\t', tabulator)
    .replace(/\p{Cc}/gu, '')
}

/** A line that was typed, with its pasted line breaks and tabs as they were. */
export function lineWithPastes(line: string): string {
  return line.replaceAll(lineBreak, '\n').replaceAll(tabulator, '\t')
}

export interface Typed {
  readonly kind: 'keys' | 'paste'
  readonly text: string
}

/** Tells what is typed from what is pasted, however the input is cut into pieces. */
export class PasteSplitter {
  /** What may be the beginning of a mark. */
  #held = ''
  /** What has been pasted so far; null outside of a paste. */
  #paste: string | null = null

  push(piece: string): Typed[] {
    const found: Typed[] = []
    let rest = this.#held + piece
    this.#held = ''
    while (rest !== '') {
      const mark = this.#paste === null ? begins : ends
      const at = rest.indexOf(mark)
      const part = at < 0 ? rest.slice(0, rest.length - heldBack(rest, mark)) : rest.slice(0, at)
      if (this.#paste !== null) this.#paste = (this.#paste + part).slice(0, maximumLength)
      else if (part !== '') found.push({ kind: 'keys', text: part })
      if (at < 0) {
        this.#held = rest.slice(part.length)
        return found
      }
      if (this.#paste === null) this.#paste = ''
      else {
        found.push({ kind: 'paste', text: this.#paste })
        this.#paste = null
      }
      rest = rest.slice(at + mark.length)
    }
    return found
  }

  /** True if something is held back that may be a key on its own: Escape. */
  get isHolding(): boolean {
    return this.#paste === null && this.#held !== ''
  }

  /** Nothing followed what is held back: they were keys. */
  release(): Typed[] {
    if (!this.isHolding) return []
    const text = this.#held
    this.#held = ''
    return [{ kind: 'keys', text }]
  }
}

/** How much of the end of a text is the beginning of the mark. */
function heldBack(text: string, mark: string): number {
  for (let length = Math.min(mark.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(mark.slice(0, length))) return length
  }
  return 0
}

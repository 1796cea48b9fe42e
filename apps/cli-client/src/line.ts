/** A line that gives a command. */
export interface CommandLine {
  /** As typed, without the slash, in lower case. */
  readonly command: string
  /** What follows, without the space before it; trailing space is kept, it may be part of a text. */
  readonly rest: string
}

/** Reads a line; null if it is blank. */
export function readCommandLine(line: string): CommandLine | null {
  const match = /^\s*\/?(?<command>\S+)\s*(?<rest>.*)$/su.exec(line)?.groups
  if (match === undefined) return null
  return { command: (match['command'] ?? '').toLowerCase(), rest: match['rest'] ?? '' }
}

/** The first word of an argument text and what follows it. */
export interface FirstWord {
  /** null if there is none. */
  readonly word: string | null
  readonly rest: string
}

/**
 * Splits off the first word. One with spaces in it is written in double quotes, in which `\"` and `\\` stand for themselves.
 * @returns a sentence if a quote is not closed
 */
export function takeWord(text: string): FirstWord | { readonly wrong: string } {
  const trimmed = text.trimStart()
  if (trimmed === '') return { word: null, rest: '' }
  if (!trimmed.startsWith('"')) {
    const end = trimmed.search(/\s/u)
    if (end < 0) return { word: trimmed, rest: '' }
    return { word: trimmed.slice(0, end), rest: trimmed.slice(end).trimStart() }
  }
  const quoted = /^"(?<inside>(?:[^"\\]|\\.)*)"(?=\s|$)/su.exec(trimmed)
  const inside = quoted?.groups?.['inside']
  if (quoted === null || inside === undefined) return { wrong: 'A quote is not closed: write "like this".' }
  return { word: inside.replace(/\\(.)/gsu, '$1'), rest: trimmed.slice(quoted[0].length).trimStart() }
}

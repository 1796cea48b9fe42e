/**
 * What could drive a terminal or make a text look like another: control characters (C0, DEL, C1), line and paragraph separators, and
 * the invisible ones that change the direction of writing.
 */
const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu
/** Half of a pair: no character. */
const lone = /\p{Surrogate}/gu

/** Shows unsafe characters instead of obeying them: Escape as ␛, a line break as ␊, others as ⟨U+202E⟩. */
export function printable(text: string): string {
  return text.replace(unsafe, picture).replace(lone, '\ufffd')
}

/** The same, but line breaks stay: the text in its lines. CR LF and CR count as one break. */
export function printableLines(text: string): string[] {
  return text.split(/\r\n|\r|\n/u).map(printable)
}

/** What a program prints on purpose, line breaks and tabs included, with whatever came into it from others shown. */
export function printableText(text: string): string {
  return text.replace(unsafe, (character) =>
    character === '\n' || character === '\t' ? character : picture(character),
  )
}

function picture(character: string): string {
  const code = character.codePointAt(0) ?? 0
  if (code < 0x20) return String.fromCodePoint(0x24_00 + code)
  if (code === 0x7f) return '\u2421'
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, '0')}⟩`
}

/** JSON that is safe to look at on a terminal: the same value when parsed. */
export function printableJson(value: unknown, replacer?: (key: string, value: unknown) => unknown): string {
  return JSON.stringify(value, replacer).replace(unsafe, (character) => {
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
  })
}

/** Texts of up to so many bytes are made here: the call out of JavaScript costs several times as much. */
const longest = 12
const places = 256

/** Short texts are mostly names, the same ones again and again: one stays at each place and is not made anew. */
const known: string[] = Array.from({ length: places }, () => '')

/** The text that lies there, if it is short and of ASCII. */
export function shortAsciiAt(bytes: Uint8Array, from: number, length: number): string | undefined {
  if (length === 0) return ''
  if (length > longest) return undefined
  const place = (31 * (bytes[from] ?? 0) + 7 * (bytes[from + length - 1] ?? 0) + length) & (places - 1)
  const candidate = known[place] ?? ''
  if (candidate.length === length && isAt(bytes, from, candidate)) return candidate
  const units: number[] = []
  for (let at = from; at < from + length; at++) {
    const unit = bytes[at] ?? 0
    if (unit > 0x7f) return undefined
    units.push(unit)
  }
  const text = String.fromCharCode(...units)
  known[place] = text
  return text
}

function isAt(bytes: Uint8Array, from: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text.charCodeAt(i)) return false
  return true
}

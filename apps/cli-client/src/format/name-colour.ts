/** SGR foreground colours that can be read on dark and on light. Red is for what was refused. */
const colours = [32, 33, 34, 35, 36, 92, 94, 95, 96] as const

/** The colour of a name: the same in every run and on every computer. */
export function colourOf(name: string): number {
  // FNV-1a, 32 bits (RFC 9923 §2), and then mixed: its lowest bits alone depend on too little.
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = (hash ^ (hash >>> 13)) >>> 0
  return colours[hash % colours.length] ?? colours[0]
}

/** Letters that are written from right to left. */
const rightToLeft =
  /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Adlam}]/u
const leftToRightMark = '\u200e'

/** A name that keeps what follows it to its right, whichever way it is written itself. */
export function inLine(name: string): string {
  return rightToLeft.test(name) ? `${name}${leftToRightMark}` : name
}

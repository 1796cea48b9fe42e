/**
 * Compares two well-formed texts by code point, which is also the order of their UTF-8 bytes. The language's own `<` compares UTF-16 units, where a
 * surrogate pair (U+10000 and beyond) comes before U+E000 to U+FFFF.
 */
export function compareByCodePoint(a: string, b: string): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return rank(x) - rank(y)
  }
  return a.length - b.length
}

function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}

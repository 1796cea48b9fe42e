/** A token's hash as a text, one unit a byte: what a map can find it by. */
export function tokenKeyOf(tokenHash: Uint8Array): string {
  // Through an array: the bytes themselves would be iterated one object after the other.
  const units: number[] = []
  for (let at = 0; at < tokenHash.length; at++) units.push(tokenHash[at] ?? 0)
  return String.fromCharCode(...units)
}

export function tokenHashOf(tokenKey: string): Uint8Array {
  return Uint8Array.from(tokenKey, (unit) => unit.charCodeAt(0))
}

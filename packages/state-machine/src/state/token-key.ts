/** A token's hash as a text, one unit a byte: what a map can find it by. */
export function tokenKeyOf(tokenHash: Uint8Array): string {
  return String.fromCharCode(...tokenHash)
}

export function tokenHashOf(tokenKey: string): Uint8Array {
  return Uint8Array.from(tokenKey, (unit) => unit.charCodeAt(0))
}

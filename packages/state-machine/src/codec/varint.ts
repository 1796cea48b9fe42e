/** Longest varint of a safe integer. */
export const varintBytes = 8

/** Writes a safe integer that is not negative. Returns where it ends. */
export function putVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value
  let end = at
  while (rest > 0x7f) {
    // `%` and not `&`, which would cut the number to 32 bits.
    bytes[end++] = (rest % 0x80) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  bytes[end++] = rest
  return end
}

export function varintLength(value: number): number {
  let length = 1
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 0x80)) length++
  return length
}

/** A number of at most 49 bits, which is safe and written as short as can be or not; -1 for any other. */
export function readVarint(bytes: Uint8Array, place: { at: number }): number {
  const first = bytes[place.at++]
  if (first === undefined) return -1
  if (first < 0x80) return first
  let value = first & 0x7f
  let factor = 0x80
  for (let length = 1; length < 7; length++) {
    const byte = bytes[place.at++]
    if (byte === undefined) return -1
    value += (byte & 0x7f) * factor
    if (byte < 0x80) return value
    factor *= 0x80
  }
  return -1
}

/** Texts up to this length are put and got byte by byte: the call into the engine's own codec costs more. */
const shortBytes = 32

const encoder = new TextEncoder()
// A leading U+FEFF is text here, not a byte order mark.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Bytes of a well-formed text in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    // Two units of a surrogate pair make four bytes together; any other unit from U+0800 makes three.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2
  }
  return bytes
}

/** Writes a text of which it is known how many bytes it takes. Returns where it ends. */
export function putUtf8(bytes: Uint8Array, at: number, text: string, length: number): number {
  if (length === text.length && length <= shortBytes) {
    for (let i = 0; i < length; i++) bytes[at + i] = text.charCodeAt(i)
  } else {
    encoder.encodeInto(text, bytes.subarray(at, at + length))
  }
  return at + length
}

/** Reads what `putUtf8` wrote. */
export function getUtf8(bytes: Uint8Array, at: number, length: number): string {
  if (length > shortBytes) return decoder.decode(bytes.subarray(at, at + length))
  const units: number[] = []
  for (let i = at; i < at + length; i++) {
    const byte = bytes[i] ?? 0
    if (byte > 0x7f) return decoder.decode(bytes.subarray(at, at + length))
    units.push(byte)
  }
  return String.fromCharCode(...units)
}

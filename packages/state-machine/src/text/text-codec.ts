/** Puts texts into bytes, in UTF-8, and gets them back. */
export interface TextCodec {
  /** Bytes of a well-formed text. */
  length(text: string): number
  /** Writes a text that takes at most `room` bytes. Returns how many it took. */
  put(bytes: Uint8Array, at: number, text: string, room: number): number
  /** Writes a text of ASCII. */
  putAscii(bytes: Uint8Array, at: number, text: string): void
  /** What is not UTF-8 becomes U+FFFD; a leading U+FEFF is text, not a byte order mark. */
  get(bytes: Uint8Array, from: number, end: number): string
}

/** With what every host has. It wants a view of the bytes for each text. */
export function portableTextCodec(): TextCodec {
  const encoder = new TextEncoder()
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  return {
    length: countBytes,
    put: (bytes, at, text, room) => encoder.encodeInto(text, bytes.subarray(at, at + room)).written,
    putAscii: (bytes, at, text) => void encoder.encodeInto(text, bytes.subarray(at, at + text.length)),
    get: (bytes, from, end) => decoder.decode(bytes.subarray(from, end)),
  }
}

/** With what Node's `Buffer` has beside that, which needs no view; null on another host. A send's texts go through here several times on each replica. */
export function nodeTextCodec(): TextCodec | null {
  const { byteLength, prototype } = (typeof Buffer === 'undefined' ? null : Buffer) ?? {}
  const { utf8Write, latin1Write, utf8Slice } = prototype ?? {}
  if (byteLength === undefined) return null
  if (utf8Write === undefined || latin1Write === undefined || utf8Slice === undefined) return null
  return {
    length: (text) => byteLength(text),
    put: (bytes, at, text, room) => utf8Write.call(bytes, text, at, room),
    // ASCII is the same in both. It takes half the time of `utf8Write`.
    putAscii: (bytes, at, text) => void latin1Write.call(bytes, text, at, text.length),
    get: (bytes, from, end) => utf8Slice.call(bytes, from, end),
  }
}

/** Bytes of a well-formed text. */
export function countBytes(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    // Two units of a surrogate pair make four bytes together; any other unit from U+0800 makes three.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2
  }
  return bytes
}

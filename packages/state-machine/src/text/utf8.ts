import { countBytes, nodeTextCodec, portableTextCodec } from './text-codec.ts'

/** Texts up to these lengths are counted, put and got unit by unit (the last two if they are ASCII): the call into the host's codec costs more. */
const shortToCount = 32
const shortToPut = 32
const shortToGet = 12
/** The most that a unit of a text takes, bytes. */
const unitBytes = 3

/** Short texts are mostly names, the same ones again and again. Of those got, one stays at each place and is not made anew. */
const placesOfShort = 256
const shortTexts: string[] = Array.from({ length: placesOfShort }, () => '')

const codec = nodeTextCodec() ?? portableTextCodec()
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Bytes of a well-formed text in UTF-8. */
export function utf8Length(text: string): number {
  return text.length > shortToCount ? codec.length(text) : countBytes(text)
}

/** Writes a text of which it is known how many bytes it takes. Returns where it ends. */
export function putUtf8(bytes: Uint8Array, at: number, text: string, length: number): number {
  if (length !== text.length) codec.put(bytes, at, text, length)
  else if (putShortAscii(bytes, at, text) === -1) codec.putAscii(bytes, at, text)
  return at + length
}

/** Writes a text where there is room for three bytes a unit. Returns where it ends. */
export function encodeUtf8(bytes: Uint8Array, at: number, text: string): number {
  return at + codec.put(bytes, at, text, unitBytes * text.length)
}

/** Writes a short ASCII text and returns where it ends; -1 if it is not short, or not ASCII. Behind `at` may be anything then. */
export function putShortAscii(bytes: Uint8Array, at: number, text: string): number {
  if (text.length > shortToPut) return -1
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) return -1
    bytes[at + i] = unit
  }
  return at + text.length
}

/** Reads what `putUtf8` wrote. */
export function getUtf8(bytes: Uint8Array, at: number, length: number): string {
  const end = at + length
  return getShortAscii(bytes, at, end) ?? codec.get(bytes, at, end)
}

/** Reads what may be no UTF-8: undefined then. */
export function decodeUtf8(bytes: Uint8Array, from: number, end: number): string | undefined {
  const short = getShortAscii(bytes, from, end)
  if (short !== undefined) return short
  const text = codec.get(bytes, from, end)
  // What is no UTF-8 has become this character; it may also stand there rightly.
  return text.includes('\ufffd') && !isUtf8(bytes.subarray(from, end)) ? undefined : text
}

function getShortAscii(bytes: Uint8Array, from: number, end: number): string | undefined {
  const length = end - from
  if (length > shortToGet) return undefined
  const place = (31 * (bytes[from] ?? 0) + 7 * (bytes[end - 1] ?? 0) + length) & (placesOfShort - 1)
  const known = shortTexts[place] ?? ''
  if (known.length === length && isAt(bytes, from, known)) return known
  const units: number[] = []
  for (let at = from; at < end; at++) {
    const byte = bytes[at] ?? 0
    if (byte > 0x7f) return undefined
    units.push(byte)
  }
  const text = String.fromCharCode(...units)
  shortTexts[place] = text
  return text
}

function isAt(bytes: Uint8Array, from: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text.charCodeAt(i)) return false
  return true
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    strict.decode(bytes)
    return true
  } catch {
    return false
  }
}

/** How values become bytes of the log and values again. `decode(encode(value))` is the same value, on every machine and in every later version. */
export interface Codec<T> {
  encode(value: T): Uint8Array
  /** Throws if the bytes are none of its own. */
  decode(bytes: Uint8Array): T
}

/**
 * Values as JSON text.
 *
 * @param parse makes a value of what was read, or throws; the `parse` of a schema fits
 */
export function jsonCodec<T>(parse: (json: unknown) => T): Codec<T> {
  return {
    encode: (value) => new TextEncoder().encode(JSON.stringify(value)),
    decode: (bytes) => parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))),
  }
}

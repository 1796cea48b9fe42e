// What every JavaScript host has beyond the language itself. Pure packages see this instead of the types of Node, so that
// a clock or a timer in them does not even compile.
export {}

declare global {
  class TextEncoder {
    encode(text?: string): Uint8Array<ArrayBuffer>
    encodeInto(text: string, into: Uint8Array): { read: number; written: number }
  }

  class TextDecoder {
    constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean })
    decode(bytes?: Uint8Array): string
  }
}

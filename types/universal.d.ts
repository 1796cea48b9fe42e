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

  /** Node's alone: what hosts like it do better than the two above. Undefined elsewhere, so ask `typeof` first. The methods take any `Uint8Array` as `this`. */
  const Buffer:
    | undefined
    | {
        readonly byteLength?: (text: string) => number
        readonly prototype: {
          readonly utf8Write?: (this: Uint8Array, text: string, at: number, room: number) => number
          readonly latin1Write?: (this: Uint8Array, text: string, at: number, length: number) => number
          readonly utf8Slice?: (this: Uint8Array, from: number, end: number) => string
        }
      }
}

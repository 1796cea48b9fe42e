import { getUtf8 } from './utf8.ts'

/** A text that lies in the bytes of something larger, in valid UTF-8. */
export interface TextBytes {
  readonly source: Uint8Array
  readonly textAt: number
  readonly textEnd: number
}

export function bytesOf({ textAt, textEnd }: TextBytes): number {
  return textEnd - textAt
}

export function textOf({ source, textAt, textEnd }: TextBytes): string {
  return getUtf8(source, textAt, textEnd - textAt)
}

/** Writes the text to a place in other bytes. Returns where it ends. */
export function copyText(to: Uint8Array, at: number, { source, textAt, textEnd }: TextBytes): number {
  const length = textEnd - textAt
  // As `subarray` does, for less than that costs.
  to.set(new Uint8Array(source.buffer, source.byteOffset + textAt, length), at)
  return at + length
}

import { putUtf8, utf8Length } from '../text/utf8.ts'

/** A name as bytes of UTF-8, with their hash: what rows are found and ordered by. Used again and again, so that looking a name up makes no garbage. */
export class NameKey {
  bytes: Uint8Array = new Uint8Array(256)
  length = 0
  /** 32 bits. */
  hash = 0
  /** Of whom the bytes are: who was looked for is added or removed next. */
  #name = ''

  set(name: string): this {
    if (name === this.#name && name !== '') return this
    this.#name = name
    this.length = utf8Length(name)
    if (this.length > this.bytes.length) this.bytes = new Uint8Array(this.length)
    putUtf8(this.bytes, 0, name, this.length)
    let hash = this.length
    for (let i = 0; i < this.length; i++)
      hash = Math.imul(hash ^ (this.bytes[i] ?? 0), 0x9e3779b1) ^ (hash >>> 15)
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    this.hash = (hash ^ (hash >>> 13)) >>> 0
    return this
  }
}

/** Compares bytes; of UTF-8, that is the order of code points. */
export function compareBytes(
  a: Uint8Array,
  aAt: number,
  aLength: number,
  b: Uint8Array,
  bAt: number,
  bLength: number,
): number {
  const shared = Math.min(aLength, bLength)
  for (let i = 0; i < shared; i++) {
    const difference = (a[aAt + i] ?? 0) - (b[bAt + i] ?? 0)
    if (difference !== 0) return difference
  }
  return aLength - bLength
}

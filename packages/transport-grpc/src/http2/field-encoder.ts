import { staticTable } from './static-table.ts'

const indexedFlag = 0x80
/** The longest text whose length is in one byte (RFC 7541 §5.1). */
const shortText = 126

/** Says that nothing is entered into a table (§6.3): the first block of a connection begins so, and then the other end may choose any size. */
export const noTable: Buffer = Buffer.of(0x20)

/**
 * A header block that needs no table, so that one can be sent on any connection and be made once (§6.1 for what is in the static table, and else §6.2.2).
 * @param fields names and values in turn
 */
export function encodeFields(fields: readonly string[]): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = fields[at] ?? ''
    const value = fields[at + 1] ?? ''
    const known = staticTable.findIndex((field) => field[0] === name && field[1] === value)
    if (known >= 0) parts.push(Buffer.of(indexedFlag | (known + 1)))
    else parts.push(Buffer.of(0), encodeText(name), encodeText(value))
  }
  return Buffer.concat(parts)
}

function encodeText(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  const length = bytes.length <= shortText ? [bytes.length] : longLength(bytes.length)
  return Buffer.concat([Buffer.from(length), bytes])
}

function longLength(length: number): number[] {
  const bytes = [shortText + 1]
  let rest = length - (shortText + 1)
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  bytes.push(rest)
  return bytes
}

/** By name. */
export type Fields = ReadonlyMap<string, string>

// How a field begins on the wire (RFC 7541 §6), and the bits of the first byte that a number has.
const inTable = { flag: 0x80, bits: 7 }
const entersTable = { flag: 0x40, bits: 6 }
const tableSize = { flag: 0x20, bits: 5 }
const outsideTable = { bits: 4 }
const huffmanFlag = 0x80
const staticEntries = 61

/** What HTTP/2 wants of a request before its own fields, out of the static table: `:method: POST` and `:scheme: http`. */
const postOverHttp = Buffer.from([inTable.flag | 3, inTable.flag | 6])

/** The header blocks of requests that all have the same fields: the first enters them into the peer's table, as clients do; the others are a byte for each. */
export function requestBlocks(fields: Fields): { readonly first: Buffer; readonly later: Buffer } {
  const entering = [...fields].flatMap(([name, value]) => [
    Buffer.from([entersTable.flag]),
    literal(name),
    literal(value),
  ])
  const entered = [...fields].map((_, place) => inTable.flag | (staticEntries + fields.size - place))
  return {
    first: Buffer.concat([postOverHttp, ...entering]),
    later: Buffer.concat([postOverHttp, Buffer.from(entered)]),
  }
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  if (bytes.length > 126) throw new RangeError(`A field of ${bytes.length} bytes: the load has up to 126.`)
  return Buffer.concat([Buffer.from([bytes.length]), bytes])
}

/**
 * The fields of a header block whose names stand in it. Those out of the static table (`:status`, `date`, …) say nothing that a gRPC client asks for. The peer must have been told to keep
 * no table of its own.
 */
export function readFields(block: Buffer): Fields {
  const reader = new BlockReader(block)
  const fields = new Map<string, string>()
  while (reader.more) {
    const first = reader.peek
    if (first & inTable.flag) {
      known(reader.number(inTable.bits))
    } else if ((first & (entersTable.flag | tableSize.flag)) === tableSize.flag) {
      reader.number(tableSize.bits)
    } else {
      const index = reader.number(first & entersTable.flag ? entersTable.bits : outsideTable.bits)
      const name = index === 0 ? reader.text() : null
      const value = reader.text()
      if (name === null) known(index)
      else fields.set(name, value)
    }
  }
  return fields
}

function known(index: number): void {
  if (index > staticEntries)
    throw new RangeError(`A header names entry ${index} of a table that was to be empty.`)
}

class BlockReader {
  readonly #block: Buffer
  #at = 0

  constructor(block: Buffer) {
    this.#block = block
  }

  get more(): boolean {
    return this.#at < this.#block.length
  }

  get peek(): number {
    const byte = this.#block[this.#at]
    if (byte === undefined) throw new RangeError('A header block ends in the middle of a field.')
    return byte
  }

  /** §5.1: in so many last bits of the first byte, and in the bytes behind it if they are all ones. */
  number(bits: number): number {
    const most = (1 << bits) - 1
    let value = this.#next() & most
    if (value < most) return value
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#next()
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }

  text(): string {
    const isHuffman = (this.peek & huffmanFlag) !== 0
    const length = this.number(7)
    const bytes = this.#block.subarray(this.#at, this.#at + length)
    if (bytes.length < length) throw new RangeError('A header block ends in the middle of a text.')
    this.#at += length
    return isHuffman ? readHuffman(bytes) : bytes.toString('latin1')
  }

  #next(): number {
    const byte = this.peek
    this.#at++
    return byte
  }
}

/**
 * The characters by the length of their code, in the order of the codes (§ Appendix B). The code is canonical: each length goes on where the shorter one ended. What is missing has longer codes:
 * backslash, control characters and what is not ASCII.
 */
const charactersByLength: Readonly<Record<number, string>> = {
  5: '012aceiost',
  6: ' %-./3456789=A_bdfghlmnpru',
  7: ':BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz',
  8: '&*,;XZ',
  10: '!"()?',
  11: "'+|",
  12: '#>',
  13: '\0$@[]~',
  14: '^}',
  15: '<`{',
}
const longestCode = 15

/** Characters by their code with a 1 before it, which tells its length. */
const characterOf = new Map<number, string>()
for (let length = 1, code = 0; length <= longestCode; length++, code <<= 1)
  for (const character of charactersByLength[length] ?? []) characterOf.set((1 << length) | code++, character)

function readHuffman(bytes: Buffer): string {
  let text = ''
  let code = 1
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = (code << 1) | ((byte >> bit) & 1)
      const character = characterOf.get(code)
      if (character !== undefined) {
        text += character
        code = 1
      } else if (code >> longestCode !== 0) {
        throw new RangeError('A header has a character that the load does not know.')
      }
    }
  }
  return text
}

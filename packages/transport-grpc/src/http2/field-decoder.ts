import { decodeHuffman } from './huffman.ts'
import { ConnectionError, errorCode } from './protocol.ts'
import { staticTable } from './static-table.ts'

/** What each field counts besides its name and value, bytes (RFC 7541 §4.1, and RFC 9113 §10.5.1). */
const overhead = 32
/** Fields of one block: what Node takes, too. */
const mostFields = 128
/** What the other end may enter into the table, bytes: what HTTP/2 begins with (RFC 9113 §6.5.2). */
const largestTable = 4_096

// How a field begins (RFC 7541 §6), and how many bits of its first byte belong to a number.
const indexed = { flag: 0x80, bits: 7 }
const entering = { flag: 0x40, bits: 6 }
const tableSize = { flag: 0x20, bits: 5 }
const literal = { bits: 4 }
const huffman = { flag: 0x80, bits: 7 }

/** A token, in small letters, and of HTTP/2's own with a colon before it (RFC 9113 §8.2.1, RFC 9110 §5.6.2). */
const nameForm = /^:?[!#$%&'*+\-.^_`|~0-9a-z]+$/
/** RFC 9113 §8.2.1, but for a space at either end: grpc-js sends what it is given. */
const forbiddenInValue = /[\0\r\n]/

/**
 * Reads the header blocks of one connection, in their order (HPACK, RFC 7541). Throws a `ConnectionError` for a block that cannot be read, and for a name or a value that HTTP/2 does not allow: it
 * might be in the table then.
 */
export class FieldDecoder {
  readonly #mostBytes: number
  /** Names and values in turn, the oldest first. */
  #table: string[] = []
  #tableBytes = 0
  #tableLimit = largestTable
  #block: Buffer = Buffer.alloc(0)
  #at = 0

  /** `mostBytes`: of names and values, and 32 for each field. */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
  }

  /** @returns names and values in turn; null: more than is allowed */
  decode(block: Buffer): string[] | null {
    this.#block = block
    this.#at = 0
    const fields: string[] = []
    let bytes = 0
    let count = 0
    let canResize = true
    while (this.#at < block.length) {
      const first = block[this.#at] ?? 0
      let name: string
      let value: string
      if (first & indexed.flag) {
        const index = this.#number(indexed.bits)
        name = this.#nameAt(index)
        value = this.#valueAt(index)
      } else if (!(first & entering.flag) && first & tableSize.flag) {
        if (!canResize) throw malformed('changes the size of the table after its first field')
        this.#resize(this.#number(tableSize.bits))
        continue
      } else {
        const enters = (first & entering.flag) !== 0
        const index = this.#number(enters ? entering.bits : literal.bits)
        name = index === 0 ? checkedName(this.#text()) : this.#nameAt(index)
        value = checkedValue(name, this.#text())
        if (enters) this.#enter(name, value)
      }
      canResize = false
      bytes += name.length + value.length + overhead
      // Read to its end nevertheless: later blocks build on the table.
      count++
      if (count <= mostFields && bytes <= this.#mostBytes) fields.push(name, value)
    }
    this.#block = empty
    return count <= mostFields && bytes <= this.#mostBytes ? fields : null
  }

  #nameAt(index: number): string {
    return staticTable[index - 1]?.[0] ?? this.#entered(index, 0)
  }

  #valueAt(index: number): string {
    return staticTable[index - 1]?.[1] ?? this.#entered(index, 1)
  }

  /** The index of the newest follows the static table. */
  #entered(index: number, part: 0 | 1): string {
    const text = this.#table[this.#table.length - 2 * (index - staticTable.length) + part]
    if (index === 0 || text === undefined) throw malformed(`names field ${index}, which nobody entered`)
    return text
  }

  #enter(name: string, value: string): void {
    this.#tableBytes += name.length + value.length + overhead
    this.#table.push(name, value)
    this.#evict()
  }

  #resize(limit: number): void {
    if (limit > largestTable) throw malformed(`wants a table of ${limit} bytes`)
    this.#tableLimit = limit
    this.#evict()
  }

  #evict(): void {
    let gone = 0
    while (this.#tableBytes > this.#tableLimit) {
      this.#tableBytes -= (this.#table[gone]?.length ?? 0) + (this.#table[gone + 1]?.length ?? 0) + overhead
      gone += 2
    }
    if (gone > 0) this.#table.splice(0, gone)
  }

  /** §5.1: in so many last bits of a byte, and in those behind it if they are all ones. */
  #number(bits: number): number {
    const most = (1 << bits) - 1
    let value = this.#byte() & most
    if (value < most) return value
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.#byte()
      value += (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw malformed('has a number of more than 28 bits')
  }

  /** §5.2. */
  #text(): string {
    const isHuffman = ((this.#block[this.#at] ?? 0) & huffman.flag) !== 0
    const length = this.#number(huffman.bits)
    const end = this.#at + length
    if (end > this.#block.length) throw malformed('ends in the middle of a text')
    const bytes = this.#block.subarray(this.#at, end)
    this.#at = end
    return isHuffman ? decodeHuffman(bytes) : bytes.toString('latin1')
  }

  #byte(): number {
    const byte = this.#block[this.#at++]
    if (byte === undefined) throw malformed('ends in the middle of a field')
    return byte
  }
}

const empty = Buffer.alloc(0)

function checkedName(name: string): string {
  if (nameForm.test(name)) return name
  throw new ConnectionError(
    errorCode.protocolError,
    `${JSON.stringify(name.slice(0, 50))} is no name of a field.`,
  )
}

function checkedValue(name: string, value: string): string {
  if (!forbiddenInValue.test(value)) return value
  throw new ConnectionError(
    errorCode.protocolError,
    `The value of ${name} has characters that are not allowed in it.`,
  )
}

function malformed(how: string): ConnectionError {
  return new ConnectionError(errorCode.compressionError, `A header block ${how}.`)
}

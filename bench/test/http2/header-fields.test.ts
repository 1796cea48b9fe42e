import { describe, expect, it } from 'vitest'
import { readFields, requestBlocks } from '../../src/http2/header-fields.ts'

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')

describe('fields of a header block', () => {
  it('are read as plain text and in Huffman code (RFC 7541 C.2.1, C.4.3)', () => {
    expect(readFields(bytes('400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572'))).toEqual(
      new Map([['custom-key', 'custom-header']]),
    )
    expect(readFields(bytes('4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf'))).toEqual(
      new Map([['custom-key', 'custom-value']]),
    )
  })

  it('are passed over when the static table has their names, as is the size of the table', () => {
    expect(readFields(bytes('3fe11f 88 0f12 0161 00 0162 0163 10 0164 0165 20'))).toEqual(
      new Map([
        ['b', 'c'],
        ['d', 'e'],
      ]),
    )
  })

  it('are refused when they are cut off, out of a table of their own, or in characters that no status has', () => {
    expect(() => readFields(bytes('400a 6375'))).toThrow('in the middle of a text')
    expect(() => readFields(bytes('40'))).toThrow('in the middle of a field')
    expect(() => readFields(bytes('be'))).toThrow('entry 62')
    expect(() => readFields(bytes('00 0161 82 fffe'))).toThrow('a character that the load does not know')
  })
})

it('a request enters its fields into the table once, and names them in the order of the table then', () => {
  const { first, later } = requestBlocks(
    new Map([
      ['a', '1'],
      ['b', '2'],
    ]),
  )
  expect(first).toEqual(bytes('83 86 40 0161 0131 40 0162 0132'))
  expect(later).toEqual(bytes('83 86 bf be'))
  expect(() => requestBlocks(new Map([['a', 'x'.repeat(127)]]))).toThrow(RangeError)
})

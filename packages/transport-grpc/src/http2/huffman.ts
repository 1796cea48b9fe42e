import { ConnectionError, errorCode } from './protocol.ts'

/** Bits of the code of each octet and, last, of the end of a text (RFC 7541, Appendix B). */
const lengths = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28,
  28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7,
  8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19,
  13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13,
  28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21,
  22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23,
  22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25,
  25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
]
const endOfText = 256
const longest = 30

/** For each node of the code's tree, where a 0 and where a 1 leads: to another node, or, as `~symbol`, to a symbol. */
const tree = makeTree()

/** The code is canonical: the shortest first, those of one length in the order of their symbols, and each length goes on where the one before it ended. */
function makeTree(): Int16Array {
  const nodes = new Int16Array(2 * endOfText)
  let count = 1
  let code = 0
  for (let length = 1; length <= longest; length++, code *= 2) {
    for (let symbol = 0; symbol <= endOfText; symbol++) {
      if (lengths[symbol] !== length) continue
      let node = 0
      for (let bit = length - 1; bit > 0; bit--) {
        const place = 2 * node + ((code >> bit) & 1)
        if (nodes[place] === 0) nodes[place] = count++
        node = nodes[place] ?? 0
      }
      nodes[2 * node + (code & 1)] = ~symbol
      code++
    }
  }
  return nodes
}

/** Each octet as a character. Throws a `ConnectionError` for what is no text in this code (§5.2). */
export function decodeHuffman(bytes: Buffer): string {
  let text = ''
  let node = 0
  /** What has been read of a symbol: how many bits, and whether each was a 1. */
  let pending = 0
  let isPadding = true
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      const one = (byte >> bit) & 1
      const next = tree[2 * node + one] ?? 0
      if (next >= 0) {
        node = next
        pending++
        isPadding &&= one === 1
        continue
      }
      if (~next === endOfText) throw malformed('has its end within it')
      text += String.fromCharCode(~next)
      node = 0
      pending = 0
      isPadding = true
    }
  }
  // The last octet is filled up with the beginning of the code of the end, which is ones.
  if (pending > 7 || !isPadding) throw malformed('does not end as it should')
  return text
}

function malformed(how: string): ConnectionError {
  return new ConnectionError(errorCode.compressionError, `A text in Huffman code ${how}.`)
}

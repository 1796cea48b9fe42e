/** The words of a status as a header has them: what is printable in ASCII stays, but for the percent sign and spaces at either end, which get lost on the way (PROTOCOL-HTTP2, "Percent-Encoded"). */
export function encodeStatusMessage(words: string): string {
  // A lone surrogate, which has no encoding, becomes U+FFFD.
  return Buffer.from(words)
    .toString()
    .replace(/[^ -$&-~]+|^ +| +$/gu, encodeURIComponent)
}

/** What cannot be decoded stays as it came. */
export function decodeStatusMessage(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

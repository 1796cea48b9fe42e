/** The words of a status as a header has them: what is printable in ASCII stays, but for the percent sign and spaces at either end, which get lost on the way (PROTOCOL-HTTP2, "Percent-Encoded"). */
export function encodeStatusMessage(words: string): string {
  // A lone surrogate, which has no encoding, becomes U+FFFD.
  const text = Buffer.from(words)
    .toString()
    .replace(/[^ -$&-~]+/gu, encodeURIComponent)
  const body = text.trim()
  if (body.length === text.length) return text
  const before = body === '' ? 0 : text.length - text.trimStart().length
  return `${'%20'.repeat(before)}${body}${'%20'.repeat(text.length - before - body.length)}`
}

/** What cannot be decoded stays as it came. */
export function decodeStatusMessage(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

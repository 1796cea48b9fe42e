/** HTTP/1.1's own, which have no meaning in HTTP/2 (RFC 9113 §8.2.2). */
const ofConnections: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])
const ofRequests: ReadonlySet<string> = new Set([':method', ':scheme', ':path', ':authority'])

/**
 * Whether these are the fields of a request (RFC 9113 §8.2.2 and §8.3.1). A `content-length` is not held against what comes: nobody is handed it.
 * @param fields names and values in turn
 */
export function isRequest(fields: readonly string[]): boolean {
  const seen = new Set<string>()
  let isBehind = false
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? ''
    if (!name.startsWith(':')) {
      isBehind = true
      if (ofConnections.has(name) || (name === 'te' && fields[at + 1] !== 'trailers')) return false
    } else {
      if (isBehind || !ofRequests.has(name) || seen.has(name)) return false
      seen.add(name)
    }
  }
  return seen.has(':method') && seen.has(':scheme') && seen.has(':path')
}

/** What the codes of TLS mean, to follow `the other end `. */
const words: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'shows a certificate that has expired',
  CERT_NOT_YET_VALID: 'shows a certificate that is not valid yet: compare the clocks',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'shows a certificate of an authority that is not trusted here',
  SELF_SIGNED_CERT_IN_CHAIN: 'shows a certificate of an authority that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT: 'shows a certificate of an authority that is not trusted here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'shows a certificate of an authority that is not trusted here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'shows a certificate of an authority that is not trusted here',
  CERT_SIGNATURE_FAILURE: 'shows a certificate of an authority that is not trusted here',
  INVALID_PURPOSE: 'shows a certificate that was not made for this end of a connection',
  ECONNRESET: 'hung up in the middle of TLS, perhaps because it does not trust the certificate here',
  ERR_SSL_WRONG_VERSION_NUMBER: 'does not speak TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'does not speak TLS',
}

/** Why no trusted connection came about, to follow `the other end `; null if the error is of another kind. */
export function tlsFaultOf(error: unknown): string | null {
  if (!(error instanceof Error)) return null
  if (!('code' in error) || typeof error.code !== 'string') return null
  if (error.code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `shows a certificate for others: ${error.message}`
  const known = words[error.code]
  if (known !== undefined) return known
  return error.code.startsWith('ERR_SSL_') ? `broke off TLS: ${error.message}` : null
}

/** The same for the code that a connection keeps its fault under. */
export function tlsFaultOfCode(code: string): string {
  return words[code] ?? `shows a certificate that is not accepted (${code})`
}

export type CertificateErrorCode =
  /** A file is there already; nothing was written. */
  | 'exists'
  /** The authority's certificate or key cannot be read, or do not belong together. */
  | 'authority'
  /** The directory or a file cannot be written. */
  | 'not written'

/** Why no certificates were made. The message is one sentence for people. */
export class CertificatesError extends Error {
  override readonly name = 'CertificatesError'
  readonly code: CertificateErrorCode

  constructor(code: CertificateErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
  }
}

import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createSecureContext, type SecureContext } from 'node:tls'
import { TransportError } from '../errors.ts'

/** Where certificates are, PEM. */
export interface CertificateFiles {
  /** The authorities whose certificates are believed; more than one while authorities change. */
  readonly ca: string
  /** The own certificate, with the intermediate ones behind it if there are any. */
  readonly certificate: string
  /** Its key. */
  readonly key: string
}

/** What has been read from the files, and found to fit together. */
export interface LoadedCertificates {
  readonly ca: Buffer
  readonly cert: Buffer
  readonly key: Buffer
  readonly context: SecureContext
  readonly expires: Date
}

export type CertificateNotice =
  /** The files have changed, and new connections use what they hold now. */
  | { readonly type: 'reloaded'; readonly expires: Date }
  /** The files have changed to what cannot be used; what was read before stays in use. Told once for each change. */
  | { readonly type: 'unusable'; readonly reason: string }

/** Certificates that follow their files. */
export interface Certificates {
  /** What new connections should use. */
  current(): LoadedCertificates
}

/** How often the files are looked at, at most; milliseconds. */
const lookEveryMs = 1_000

/**
 * Reads certificates, and reads them again when the files have changed. They are looked at when somebody asks, that is when a connection is made: no watcher that misses a
 * renamed file or a mounted one, no signal that somebody has to remember. A file that does not fit the others yet, because it is being replaced, changes nothing.
 * @throws TransportError `certificates` if they cannot be used now
 */
export function openCertificates(
  files: CertificateFiles,
  report: (notice: CertificateNotice) => void,
  options: { readonly now?: () => number; readonly lookEveryMs?: number } = {},
): Certificates {
  const now = options.now ?? ((): number => performance.now())
  const pauseMs = options.lookEveryMs ?? lookEveryMs
  let state = stateOf(files)
  let loaded = load(files)
  let lookedAt = now()
  return {
    current: () => {
      if (now() - lookedAt < pauseMs) return loaded
      lookedAt = now()
      const newState = stateOf(files)
      if (newState === state) return loaded
      try {
        const next = load(files)
        // Only now: what was read may be older than what is there.
        state = newState
        loaded = next
        report({ type: 'reloaded', expires: loaded.expires })
      } catch (error) {
        state = newState
        report({ type: 'unusable', reason: error instanceof Error ? error.message : String(error) })
      }
      return loaded
    },
  }
}

/** The same while the files are the same. */
function stateOf({ ca, certificate, key }: CertificateFiles): string {
  const states = [ca, certificate, key].map((file) => {
    const found = statSync(file, { throwIfNoEntry: false })
    return found === undefined ? 'none' : `${found.ino} ${found.size} ${found.mtimeMs} ${found.ctimeMs}`
  })
  return states.join()
}

function load(files: CertificateFiles): LoadedCertificates {
  const [ca, cert, key] = [read(files.ca), read(files.certificate), read(files.key)]
  const own = parse(files.certificate, cert)
  parse(files.ca, ca)
  const expires = new Date(own.validTo)
  if (expires.getTime() < Date.now()) {
    throw fault(
      `${files.certificate} expired on ${expires.toISOString()}: make a new one, as with "chatctl certs --renew".`,
    )
  }
  try {
    return { ca, cert, key, context: createSecureContext({ ca, cert, key }), expires }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw fault(`${files.key} cannot be used with ${files.certificate} (${why}).`, cause)
  }
}

function read(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    const why =
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'EACCES'
          ? 'this user may not read it'
          : cause instanceof Error
            ? cause.message
            : String(cause)
    throw fault(`${file}: ${why}; "chatctl certs" makes certificates.`, cause)
  }
}

function parse(file: string, pem: Buffer): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    throw fault(`${file} is no certificate in PEM form.`, cause)
  }
}

function fault(message: string, cause?: unknown): TransportError {
  return new TransportError('certificates', message, { cause })
}

import { join } from 'node:path'
import { type Address, isLoopback } from './address.ts'
import type { ClusterMember } from './cluster.ts'
import { ConfigurationError } from './error.ts'
import * as options from './options.ts'
import type { Settings } from './settings.ts'

/** PEM files, absolute. */
export interface TlsFiles {
  /** The authorities that are believed. */
  readonly ca: string
  /** The own certificate. */
  readonly certificate: string
  /** Its key. */
  readonly key: string
}

/** The options of programs that show a certificate of their own: servers, and tools that operate them. */
export const tlsOptions: readonly (typeof options.fileOptions)[number][] = [
  options.certs,
  options.tlsCa,
  options.tlsCert,
  options.tlsKey,
]

/** The options of programs that only look at certificates. */
export const clientTlsOptions: readonly (typeof options.fileOptions)[number][] = [
  options.certs,
  options.tlsCa,
  options.insecure,
]

/**
 * The certificate that a replica shows, or null for plain text, which is for loopback addresses unless `--insecure` says otherwise. Needs `tlsOptions` and `insecure`.
 * @throws ConfigurationError if others can reach the replica and there is no certificate, or one of the files is not named.
 */
export function serverTls(settings: Settings, member: ClusterMember): TlsFiles | null {
  const files = ownFiles(settings, `replica-${member.id}`)
  if (files !== null) return files
  const exposed = [member.clientAddress, member.peerAddress].find((address) => !isLoopback(address))
  if (exposed === undefined || settings.get(options.insecure)) return null
  throw new ConfigurationError(
    'conflict',
    `--certs: is needed, because other hosts can reach ${exposed.text} and passwords and messages would cross the network in plain text; ` +
      'make certificates with "chatctl certs" and give --certs <directory>, or give --insecure on a network that you trust.',
  )
}

/**
 * The certificate that an operator shows, or null for plain text. Needs `tlsOptions`.
 * @throws ConfigurationError if one of the files is not named.
 */
export function operatorTls(settings: Settings): TlsFiles | null {
  return ownFiles(settings, 'operator')
}

/**
 * The file with the authorities by which a chat program knows the servers, or null for plain text, which is for loopback addresses unless `--insecure` says otherwise.
 * Needs `clientTlsOptions`.
 * @throws ConfigurationError if a server is on another host and there is no authority.
 */
export function clientTls(settings: Settings, servers: readonly Address[]): string | null {
  const ca = settings.optionalPath(options.tlsCa) ?? inDirectory(settings, 'ca.crt')
  if (ca !== null) return ca
  const distant = servers.find((address) => !isLoopback(address))
  if (distant === undefined || settings.get(options.insecure)) return null
  throw new ConfigurationError(
    'conflict',
    `--tls-ca: is needed, because ${distant.text} is on another host and passwords and messages would cross the network in plain text; ` +
      'give the file ca.crt of the cluster with --tls-ca, or --insecure if its servers were started with that.',
  )
}

function ownFiles(settings: Settings, name: string): TlsFiles | null {
  const ca = settings.optionalPath(options.tlsCa) ?? inDirectory(settings, 'ca.crt')
  const certificate = settings.optionalPath(options.tlsCert) ?? inDirectory(settings, `${name}.crt`)
  const key = settings.optionalPath(options.tlsKey) ?? inDirectory(settings, `${name}.key`)
  if (ca === null && certificate === null && key === null) return null
  if (ca !== null && certificate !== null && key !== null) return { ca, certificate, key }
  const missing = ca === null ? options.tlsCa : certificate === null ? options.tlsCert : options.tlsKey
  throw new ConfigurationError(
    'missing value',
    `${missing.flag}: is needed with the other two of --tls-ca, --tls-cert and --tls-key; or give --certs <directory>.`,
  )
}

function inDirectory(settings: Settings, name: string): string | null {
  const directory = settings.optionalPath(options.certs)
  return directory === null ? null : join(directory, name)
}

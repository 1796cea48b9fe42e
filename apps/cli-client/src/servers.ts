import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { ConnectOptions } from '@chatroom/client'
import {
  ConfigurationError,
  clientTls,
  clientTlsOptions,
  type Option,
  options,
  type Settings,
  serverAddresses,
} from '@chatroom/configuration'

/** Whom to talk to, and whom to believe. */
export interface Servers {
  /** `host:port` of each replica. */
  readonly addresses: readonly string[]
  readonly connectOptions: ConnectOptions
  /** What a person calls the replica at `host:port`. */
  readonly nameOf: (address: string) => string
}

/** The options that `serversOf` looks at. */
export const serverOptions: readonly Option<unknown>[] = [
  options.servers,
  options.clientPort,
  ...clientTlsOptions,
  options.traces,
]

/** @throws ConfigurationError */
export function serversOf(settings: Settings): Servers {
  const given = serverAddresses(settings)
  const addresses = given.map((address) => address.text)
  const authorities = clientTls(settings, given)
  const trust = authorities === null ? {} : { tls: { ca: authorityText(authorities) } }
  return {
    addresses,
    connectOptions: { servers: addresses, ...trust },
    nameOf: (address) => {
      const id = addresses.indexOf(address)
      return id < 0 ? address : `replica ${id}`
    },
  }
}

/** @throws ConfigurationError if it cannot be read or holds no certificate */
function authorityText(file: string): string {
  try {
    const text = readFileSync(file, 'utf8')
    new X509Certificate(text)
    return text
  } catch (cause) {
    const why =
      cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
        ? 'there is no such file'
        : 'it holds no certificate in PEM form'
    throw new ConfigurationError(
      'invalid value',
      `${file}: ${why}; give the file ca.crt of the cluster with --tls-ca.`,
      { cause },
    )
  }
}

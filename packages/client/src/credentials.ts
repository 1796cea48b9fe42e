import { isIP } from 'node:net'
import { checkServerIdentity } from 'node:tls'
import { type ChannelCredentials, type ChannelOptions, credentials } from '@grpc/grpc-js'
import type { ConnectOptions } from './options.ts'

/** How to connect to one server. */
export interface Trust {
  readonly credentials: ChannelCredentials
  readonly channelOptions: ChannelOptions
}

/** How to connect to the server at this address. With `tls` its certificate has to be for the host in the address. */
export function trustOf(address: string, options: Pick<ConnectOptions, 'credentials' | 'tls'>): Trust {
  if (options.credentials !== undefined) return { credentials: options.credentials, channelOptions: {} }
  if (options.tls === undefined) return { credentials: credentials.createInsecure(), channelOptions: {} }
  const host = address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '')
  return {
    credentials: credentials.createSsl(Buffer.from(options.tls.ca), null, null, {
      checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
    }),
    // gRPC would ask for an IP address by name, and TLS has no such names (RFC 6066 §3).
    channelOptions: isIP(host) === 0 ? {} : { 'grpc.ssl_target_name_override': 'chatroom' },
  }
}

/** What the words of a failed connection say about trust; null if they are about something else. */
export function trustFaultIn(words: string): string | null {
  if (/wrong version number|packet length too long/i.test(words)) return 'it does not speak TLS'
  if (/certificate has expired/i.test(words)) return 'its certificate has expired'
  if (/altnames/i.test(words)) return 'its certificate is for another host'
  if (/self.signed certificate|unable to (?:verify|get)/i.test(words))
    return 'its certificate is of an authority that is not trusted here'
  return null
}

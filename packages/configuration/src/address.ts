import { isIPv4, isIPv6 } from 'node:net'

/** Where a program listens or can be reached over TCP. */
export interface Address {
  /** A host name or an IP address, without brackets. */
  readonly host: string
  /** 1 to 65535. */
  readonly port: number
  /** `host:port`, an IPv6 host in brackets: as gRPC takes it and as the user writes it. */
  readonly text: string
}

/** RFC 1123 labels; the whole is limited to 253 characters. */
const hostName = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i
const looksLikeIPv4 = /^[\d.]+$/

/** Puts a host and a port together. */
export function addressOf(host: string, port: number): Address {
  return { host, port, text: isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}` }
}

/** Reads `host:port` or `[IPv6]:port`; otherwise says in words, to follow the text itself, what is wrong with it. */
export function parseAddress(text: string): Address | { readonly wrong: string } {
  const parts = /^(?:\[(?<six>[^\]]*)\]|(?<host>[^:[\]]*)):(?<port>\d{1,9})$/.exec(text)?.groups
  if (parts === undefined) {
    if (isIPv6(text)) return { wrong: 'has no port, and an IPv6 address needs brackets: [::1]:9700' }
    const [host, ...rest] = text.split(':')
    if (rest.length > 1 && isIPv6(text.slice(0, text.lastIndexOf(':')))) {
      return { wrong: 'is an IPv6 address without brackets; write [::1]:9700' }
    }
    if (rest.length === 0 && host !== '')
      return { wrong: 'has no port; write host:port, as in 127.0.0.1:9700' }
    return { wrong: 'is not host:port, as in 127.0.0.1:9700 or [::1]:9700' }
  }
  const port = Number(parts['port'])
  if (port < 1 || port > 65535) return { wrong: `has the port ${port}; ports go from 1 to 65535` }
  const six = parts['six']
  if (six !== undefined) {
    return isIPv6(six) ? addressOf(six, port) : { wrong: `has no IPv6 address in its brackets` }
  }
  const host = parts['host'] ?? ''
  if (host === '') return { wrong: 'has no host; write host:port, as in 127.0.0.1:9700' }
  if (looksLikeIPv4.test(host) ? !isIPv4(host) : !hostName.test(host)) {
    return { wrong: `has no valid host name or IP address before the port` }
  }
  return addressOf(host, port)
}

/** True if only programs on this host can reach the address: 127.0.0.0/8, ::1 and `localhost`. */
export function isLoopback(address: Address): boolean {
  const host = address.host.toLowerCase()
  if (isIPv4(host)) return host.startsWith('127.')
  if (isIPv6(host)) return new URL(`http://[${host}]`).hostname === '[::1]'
  return host === 'localhost' || host.endsWith('.localhost')
}

/** The same for two addresses that one socket cannot be bound to twice, as far as that can be told without a resolver. */
export function addressKey(address: Address): string {
  const host = address.host.toLowerCase()
  return addressOf(host === 'localhost' ? '127.0.0.1' : host, address.port).text
}

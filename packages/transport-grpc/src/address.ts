import { BlockList, isIP, isIPv4 } from 'node:net'

/** Where something listens. */
export interface PeerAddress {
  /** An IP address or a name. */
  readonly host: string
  readonly port: number
}

/** `host:port`, with brackets where an IPv6 address needs them. */
export function formatAddress({ host, port }: PeerAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/**
 * Whether a refused connection to this address proves that nobody on this host listens there. A name never does: it may stand for more than one
 * address, and tomorrow for another.
 */
export function isLoopback(host: string): boolean {
  const family = isIP(host)
  return family !== 0 && loopback.check(host, family === 4 ? 'ipv4' : 'ipv6')
}

/** Whether a listener bound to `bound` takes connections made to `dialled`, a loopback address. */
export function covers(bound: PeerAddress, dialled: PeerAddress): boolean {
  if (bound.port !== dialled.port) return false
  if (bound.host === dialled.host || bound.host === '::') return true
  return bound.host === '0.0.0.0' && isIPv4(dialled.host)
}

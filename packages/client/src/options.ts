import type { ChannelCredentials } from '@grpc/grpc-js'
import type { Tracer } from '@opentelemetry/api'
import { ChatError } from './error.ts'

/** The client has moved from one leader to another, or back to the same one after it was out of reach. */
export interface Switch {
  /** `host:port`. */
  readonly from: string
  /** `host:port`; the same as `from` if that replica leads again. */
  readonly to: string
  /** From when the old leader was last heard, as far as that was watched, until the new one answered, milliseconds. */
  readonly ms: number
}

/** What `connect` needs to know. */
export interface ConnectOptions {
  /** `host:port` of every replica's client port. The order does not matter; one that is alive is enough to learn who leads. */
  readonly servers: readonly string[]
  /** Time for at least one replica to answer, milliseconds. Default 5,000. */
  readonly connectTimeoutMs?: number
  /**
   * Time for a request with all its tries, milliseconds. Default 30,000; at most 300,000, because replicas remember the reply to
   * a request id for 10 minutes.
   */
  readonly requestTimeoutMs?: number
  /**
   * A leader that is silent for so long is doubted: the other replicas are asked whether one of them leads, while the request stays where it is.
   * Milliseconds. Default 500.
   */
  readonly tryTimeoutMs?: number
  /** Messages sent and not yet answered. Default 512; at most 1,000, because replicas take 1,024 requests of a session at a time. */
  readonly maximumInFlight?: number
  /** Messages waiting behind those in flight, after which `send` fails with `queue full`. Default 1,024. */
  readonly maximumQueued?: number
  /** Default: plain text, unless `tls` is given. Goes before `tls`. */
  readonly credentials?: ChannelCredentials
  /** Encrypt, and believe servers that show a certificate for the host of their address, signed by one of these authorities. */
  readonly tls?: {
    /** PEM, one certificate or several. */
    readonly ca: string
  }
  /**
   * Makes a span of every message and call, part of whatever span is active, and tells servers of those it samples, so that one message is one trace as far as the disks of the
   * replicas. As `trace.getTracer('…')` of `@opentelemetry/api` gives. No span has a text, a name, a password or a token. Default: none, and nothing is sent for it.
   */
  readonly tracer?: Tracer
  /** Ends the wait for a first answer. */
  readonly signal?: AbortSignal
}

/** The same with every default filled in. */
export interface Settings {
  readonly servers: readonly string[]
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly tryTimeoutMs: number
  readonly maximumInFlight: number
  readonly maximumQueued: number
  readonly tracer: Tracer | null
}

/** As many servers as may be named. */
const maximumServers = 32

/**
 * Fills in defaults and checks bounds.
 * @throws ChatError `invalid argument`, naming the option.
 */
export function settingsOf(options: ConnectOptions): Settings {
  const servers = [...new Set(options.servers.map((server) => server.trim()))]
  if (servers.length === 0 || servers.length > maximumServers) {
    throw new ChatError(
      'invalid argument',
      `servers: name 1 to ${maximumServers} servers as host:port; got ${servers.length}.`,
    )
  }
  const wrong = servers.find((server) => !isAddress(server))
  if (wrong !== undefined) {
    throw new ChatError('invalid argument', `servers: "${wrong}" is not host:port, as in 127.0.0.1:9600.`)
  }
  return {
    servers,
    connectTimeoutMs: inRange('connectTimeoutMs', options.connectTimeoutMs ?? 5_000, 1, 300_000),
    requestTimeoutMs: inRange('requestTimeoutMs', options.requestTimeoutMs ?? 30_000, 1, 300_000),
    tryTimeoutMs: inRange('tryTimeoutMs', options.tryTimeoutMs ?? 500, 1, 60_000),
    maximumInFlight: inRange('maximumInFlight', options.maximumInFlight ?? 512, 1, 1_000),
    maximumQueued: inRange('maximumQueued', options.maximumQueued ?? 1_024, 1, 65_536),
    tracer: options.tracer ?? null,
  }
}

/** True for `host:port`, an IPv6 host in brackets. */
export function isAddress(text: string): boolean {
  const port = Number(/^(?:\[[0-9a-f:.%]+\]|[^\s:[\]/]+):(?<port>\d{1,5})$/i.exec(text)?.groups?.['port'])
  return port >= 1 && port <= 65_535
}

function inRange(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new ChatError('invalid argument', `${name}: ${value} is not a whole number from ${least} to ${most}.`)
}

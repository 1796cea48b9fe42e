import * as z from 'zod'
import type { Address } from './address.ts'
import { defineOption, type Option } from './option.ts'
import { addresses, ipAddress, oneOf, onOrOff, path, share, wholeNumber } from './values.ts'

// Every option of every program, declared once. A program picks those it takes.

/** Which rules replicas follow; README has the table of what each survives. */
export type Mode = 'fail-stop' | 'majority'
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
export type LogFormat = 'auto' | 'json' | 'pretty'

/** As many replicas as a cluster may have. */
export const maximumReplicas = 7
/** As many replicas as there are if no list of peers says otherwise. */
export const defaultReplicas = 3

export const config: Option<string | null> = defineOption<string | null>({
  key: 'config',
  placeholder: 'file',
  help: 'config file, JSON',
  schema: path(),
  fallback: null,
  fallbackWords: 'chatroom.config.json in the working directory, if there is one',
})

export const dataDir: Option<string> = defineOption<string>({
  key: 'dataDir',
  placeholder: 'directory',
  help: 'where replicas keep their data, each in a directory replica-N of its own',
  schema: path(),
  fallback: 'data',
  fallbackWords: './data',
})

export const clientPort: Option<number> = defineOption<number>({
  key: 'clientPort',
  placeholder: 'port',
  help: 'first of the consecutive TCP ports for clients, one for each replica; not used with --servers',
  schema: wholeNumber('a port', 1, 65535),
  fallback: 9600,
})

export const peerPort: Option<number> = defineOption<number>({
  key: 'peerPort',
  placeholder: 'port',
  help: 'first of the consecutive TCP ports on which replicas talk to each other; not used with --peers',
  schema: wholeNumber('a port', 1, 65535),
  fallback: 9700,
})

export const servers: Option<readonly Address[] | null> = defineOption<readonly Address[] | null>({
  key: 'servers',
  placeholder: 'host:port,…',
  help: 'where clients reach each replica, in the order of their ids',
  schema: addresses(1, maximumReplicas),
  fallback: null,
  fallbackWords: '127.0.0.1 and the client ports',
})

export const peers: Option<readonly Address[] | null> = defineOption<readonly Address[] | null>({
  key: 'peers',
  placeholder: 'host:port,…',
  help: 'where replicas reach each other, in the order of their ids: replica 0 first',
  schema: addresses(1, maximumReplicas),
  fallback: null,
  fallbackWords: '127.0.0.1 and the peer ports, three replicas',
})

export const id: Option<number | null> = defineOption<number | null>({
  key: 'id',
  placeholder: 'number',
  help: 'which replica this is, counted from 0',
  schema: wholeNumber('the id of a replica', 0, maximumReplicas - 1),
  fallback: null,
  fallbackWords: '',
})

export const mode: Option<Mode | null> = defineOption<Mode | null>({
  key: 'mode',
  placeholder: 'mode',
  help: 'fail-stop (survives all crashes but one; all replicas on this host) or majority (survives a minority of crashes and partitions)',
  schema: oneOf(['fail-stop', 'majority']),
  fallback: null,
  fallbackWords: 'fail-stop if every peer address is a loopback address, else majority',
})

export const certs: Option<string | null> = defineOption<string | null>({
  key: 'certs',
  placeholder: 'directory',
  help: 'certificates as "chatctl certs" makes them; everything is then encrypted: a replica shows replica-N.crt, chatctl operator.crt, and all believe ca.crt',
  schema: path(),
  fallback: null,
  fallbackWords: 'none',
})

export const tlsCa: Option<string | null> = defineOption<string | null>({
  key: 'tlsCa',
  placeholder: 'file',
  help: 'certificates of the authorities to believe, PEM, instead of ca.crt in --certs',
  schema: path(),
  fallback: null,
  fallbackWords: '',
})

export const tlsCert: Option<string | null> = defineOption<string | null>({
  key: 'tlsCert',
  placeholder: 'file',
  help: 'the own certificate, PEM, instead of the one in --certs',
  schema: path(),
  fallback: null,
  fallbackWords: '',
})

export const tlsKey: Option<string | null> = defineOption<string | null>({
  key: 'tlsKey',
  placeholder: 'file',
  help: 'the key of the own certificate, PEM, instead of the one in --certs',
  schema: path(),
  fallback: null,
  fallbackWords: '',
})

export const insecure: Option<boolean> = defineOption<boolean>({
  key: 'insecure',
  placeholder: null,
  help: 'plain text also between hosts: who is on the network can read and change everything',
  schema: onOrOff(),
  fallback: false,
})

export const reflection: Option<boolean> = defineOption<boolean>({
  key: 'reflection',
  placeholder: null,
  help: 'tell whoever asks what can be called on the client port (gRPC reflection, for grpcurl and the like)',
  schema: onOrOff(),
  fallback: false,
})

export const idleTimeout: Option<number> = defineOption<number>({
  key: 'idleTimeout',
  placeholder: 'seconds',
  help: 'seconds without a command after which a session ends, up to 86400',
  schema: wholeNumber('a number of seconds', 1, 86_400),
  fallback: 60,
})

export const sessionLifetime: Option<number> = defineOption<number>({
  key: 'sessionLifetime',
  placeholder: 'seconds',
  help: 'seconds after which a session ends however active it is, up to 31536000 (a year); 0: never',
  schema: wholeNumber('a number of seconds', 0, 31_536_000),
  fallback: 2_592_000,
  fallbackWords: '2592000, 30 days',
})

export const maxConnections: Option<number> = defineOption<number>({
  key: 'maxConnections',
  placeholder: 'number',
  help: 'connections to the client port of one replica',
  schema: wholeNumber('a number of connections', 1, 1_000_000),
  fallback: 16_384,
})

export const maxConnectionsPerAddress: Option<number> = defineOption<number>({
  key: 'maxConnectionsPerAddress',
  placeholder: 'number',
  help: 'the same from one IP address (of IPv6: from one network of 64 bits)',
  schema: wholeNumber('a number of connections', 1, 1_000_000),
  fallback: 4_096,
})

export const metricsPort: Option<number | null> = defineOption<number | null>({
  key: 'metricsPort',
  placeholder: 'port',
  help: 'HTTP port for /metrics, /livez and /readyz; replicas that share a host take consecutive ones',
  schema: wholeNumber('a port', 1, 65535),
  fallback: null,
  fallbackWords: 'none',
})

export const metricsHost: Option<string> = defineOption<string>({
  key: 'metricsHost',
  placeholder: 'address',
  help: 'where --metrics-port listens; anything but a loopback address lets other hosts read the metrics',
  schema: ipAddress(),
  fallback: '127.0.0.1',
})

export const traces: Option<number | null> = defineOption<number | null>({
  key: 'traces',
  placeholder: 'share',
  help: 'make OpenTelemetry traces of this share of messages and calls, 0 to 1, and in a replica of those that clients make traces of; OTEL_EXPORTER_OTLP_ENDPOINT says where they go',
  schema: share('a share of the messages'),
  fallback: null,
  fallbackWords: 'none',
})

export const loginAttempts: Option<number> = defineOption<number>({
  key: 'loginAttempts',
  placeholder: 'number',
  help: 'failed attempts to log in to one account in a minute; 0: no limit',
  schema: wholeNumber('a number of attempts', 0, 1_000_000),
  fallback: 10,
})

export const loginAttemptsPerAddress: Option<number> = defineOption<number>({
  key: 'loginAttemptsPerAddress',
  placeholder: 'number',
  help: 'the same from one IP address (of IPv6: from one network of 64 bits)',
  schema: wholeNumber('a number of attempts', 0, 1_000_000),
  fallback: 60,
})

export const sendsPerSecond: Option<number> = defineOption<number>({
  key: 'sendsPerSecond',
  placeholder: 'number',
  help: 'messages that one account may send in a second; 0: no limit',
  schema: wholeNumber('a number of messages', 0, 1_000_000),
  fallback: 10_000,
})

export const diskQuota: Option<number | null> = defineOption<number | null>({
  key: 'diskQuota',
  placeholder: 'MiB',
  help: 'what one replica may take on its disk, in MiB, from 64 on; at the quota writes are refused, reads go on',
  schema: wholeNumber('a number of MiB', 64, 1_000_000_000),
  fallback: null,
  fallbackWords: 'none: until the disk is full',
})

export const repairWait: Option<number> = defineOption<number>({
  key: 'repairWait',
  placeholder: 'seconds',
  help: 'how long a replica whose disk is damaged waits at its start for others that have the entries',
  schema: wholeNumber('a number of seconds', 0, 86_400),
  fallback: 120,
})

export const logLevel: Option<LogLevel> = defineOption<LogLevel>({
  key: 'logLevel',
  placeholder: 'level',
  help: 'least important log lines to write: trace, debug, info, warn, error, fatal or silent',
  schema: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
  fallback: 'info',
})

export const logFormat: Option<LogFormat> = defineOption<LogFormat>({
  key: 'logFormat',
  placeholder: 'format',
  help: 'json (one object a line), pretty (for people) or auto (pretty on a terminal, else json)',
  schema: oneOf(['auto', 'json', 'pretty']),
  fallback: 'auto',
})

export const json: Option<boolean> = defineOption<boolean>({
  key: 'json',
  placeholder: null,
  help: 'print JSON, for programs',
  schema: onOrOff(),
  fallback: false,
})

export const restart: Option<boolean> = defineOption<boolean>({
  key: 'restart',
  placeholder: null,
  help: 'bring a replica that died back by itself, after pauses of 0.5 to 30 seconds',
  schema: onOrOff(),
  fallback: false,
})

/** Set by whatever starts a replica and wants it to end together with itself. */
export const supervised: Option<boolean> = defineOption<boolean>({
  key: 'supervised',
  placeholder: null,
  help: 'stop when standard input ends',
  schema: z.boolean(),
  fallback: false,
  flagOnly: true,
  hidden: true,
})

/** What a config file may contain: one file can serve all programs, each takes what it knows. */
export const fileOptions: readonly Option<unknown>[] = [
  dataDir,
  clientPort,
  peerPort,
  servers,
  peers,
  id,
  mode,
  certs,
  tlsCa,
  tlsCert,
  tlsKey,
  insecure,
  reflection,
  idleTimeout,
  sessionLifetime,
  maxConnections,
  maxConnectionsPerAddress,
  diskQuota,
  repairWait,
  loginAttempts,
  loginAttemptsPerAddress,
  sendsPerSecond,
  metricsPort,
  metricsHost,
  traces,
  logLevel,
  logFormat,
  json,
  restart,
]

import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import {
  type Cluster,
  type CommandDefinition,
  clusterOptions,
  metricsAddress,
  metricsOptions,
  operatorTls,
  options,
  resolveCluster,
  type Settings,
  serverAddresses,
  serverTls,
  type TlsFiles,
  tlsOptions,
} from '@chatroom/configuration'
import type { ChildCommand } from './child-command.ts'
import { launch } from './launch.ts'
import type { Screen } from './screen.ts'
import type { AskStatus } from './status-polls.ts'
import { hintsFor } from './words.ts'

/** What a replica is started with, beside its id: everything that was set, wherever it was set. */
const forReplicas = [
  options.config,
  ...clusterOptions,
  ...tlsOptions,
  ...metricsOptions,
  options.traces,
  options.insecure,
  options.idleTimeout,
  options.logLevel,
] as const
const forClients = [
  options.config,
  options.clientPort,
  options.servers,
  options.certs,
  options.tlsCa,
  options.insecure,
  options.idleTimeout,
] as const

const notes = `\
Starts every replica of a cluster on this host and stays: prints who leads, and a line whenever something happens to a
replica. A replica that dies stays dead until it is brought back with "pnpm server --id N", or by --restart.
Ctrl-C, SIGTERM and SIGHUP stop all replicas; a second Ctrl-C kills them.

Each replica writes its log to replica-N.log in the data directory (JSON lines; up to 8 MiB, and the 8 MiB before
them in replica-N.log.1). Warnings and worse are shown here too.

Exit codes: 0 stopped with Ctrl-C or SIGTERM, 1 cannot start, 2 called or configured wrongly, 130 killed with a second Ctrl-C.`

/** The program behind `pnpm dev`. `replica` is how to start one replica. */
export function devProgram(
  replica: ChildCommand,
  asking: (tls: TlsFiles | null) => { readonly ask: AskStatus; readonly close: () => void },
  screen: Screen,
): CommandDefinition {
  return {
    name: 'dev',
    summary: 'Starts all replicas of a cluster on this host, for development.',
    options: [
      ...clusterOptions,
      ...tlsOptions,
      ...metricsOptions,
      options.traces,
      options.insecure,
      options.idleTimeout,
      options.logLevel,
      options.restart,
    ],
    notes,
    run: async ({ settings, surroundings }) => {
      const cluster = resolveCluster(settings)
      for (const member of cluster.members) {
        serverTls(settings, member)
        metricsAddress(settings, cluster, member)
      }
      const { ask, close } = asking(operatorTls(settings))
      const exitCode = await launch({
        cluster,
        command: { ...replica, arguments: [...replica.arguments, ...replicaFlags(settings)] },
        ask,
        restart: settings.get(options.restart),
        screen,
        hints: hintsFor(settings.flags(forReplicas, byHand), clientFlags(settings, cluster)),
        shownDirectory: settings.get(options.dataDir),
        pnpmInstead: pnpmInstead(surroundings.environment),
      })
      close()
      return exitCode
    },
  }
}

/** What another terminal may not know: the environment is perhaps not the same there. */
const byHand = ['flag', 'environment'] as const

/** A client that knows only the ports looks for three replicas on this host. */
function clientFlags(settings: Settings, cluster: Cluster): string[] {
  const servers = cluster.members.map((member) => member.clientAddress.text)
  const found = serverAddresses(settings).map((address) => address.text)
  if (found.join() === servers.join()) return settings.flags(forClients, byHand)
  const others = [options.certs, options.tlsCa, options.insecure, options.idleTimeout]
  return [...settings.flags(others, byHand), '--servers', servers.join()]
}

function replicaFlags(settings: Settings): string[] {
  const set = settings.flags(forReplicas, ['flag', 'environment', 'file'])
  return [...set, '--log-format', 'json', '--supervised']
}

/** Within a script of pnpm there is always a pnpm; what counts is whether the user's own PATH has one. */
function pnpmInstead(environment: Readonly<Record<string, string | undefined>>): string | null {
  const ofScripts = /[\\/](?:node_modules[\\/]\.bin|_npx[\\/].*|node-gyp-bin)$/
  const directories = (environment['PATH'] ?? '').split(delimiter).filter((path) => !ofScripts.test(path))
  if (directories.some((directory) => isExecutable(join(directory, 'pnpm')))) return null
  const version = /^pnpm\/(?<version>\S+)/.exec(environment['npm_config_user_agent'] ?? '')?.groups?.[
    'version'
  ]
  return `npx -y pnpm${version === undefined ? '' : `@${version}`}`
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

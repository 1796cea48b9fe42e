import {
  type CommandDefinition,
  ConfigurationError,
  operatorTls,
  options,
  peerAddresses,
  type TlsFiles,
  tlsOptions,
} from '@chatroom/configuration'
import type { ReplicaClient } from '../replica-client.ts'

const notes = `\
Shows how much each replica logs, or changes it, until it is changed again or the replica ends. With --id, only at that replica.
LEVEL is trace, debug, info, warn, error, fatal or silent.

Exit codes: 0 done at every replica that was asked, 1 not at all of them, 2 called or configured wrongly.`

/** `chatctl log-level` */
export function logLevelCommand(
  connect: (tls: TlsFiles | null) => Pick<ReplicaClient, 'logLevel' | 'close'>,
): CommandDefinition {
  return {
    name: 'log-level',
    summary: 'Shows or changes how much replicas log, while they run.',
    arguments: [{ name: '[level]', help: 'the new level' }],
    options: [options.peers, options.peerPort, ...tlsOptions, options.id],
    notes,
    run: async ({ settings, arguments: [level], surroundings }) => {
      const addresses = peerAddresses(settings).map(({ text }, id) => ({ id, text }))
      const wanted = settings.get(options.id)
      const asked = addresses.filter(({ id }) => wanted === null || id === wanted)
      if (asked.length === 0)
        throw new ConfigurationError(
          'conflict',
          `--id: there is no replica ${wanted}; the last one is ${addresses.length - 1}.`,
        )
      if (level !== undefined) checkLevel(level)
      const client = connect(operatorTls(settings))
      try {
        let exitCode = 0
        for (const { id, text } of asked) {
          try {
            surroundings.stdout(`replica ${id}: ${await client.logLevel(text, level ?? null)}\n`)
          } catch (error) {
            surroundings.stderr(`replica ${id}: ${error instanceof Error ? error.message : String(error)}.\n`)
            exitCode = 1
          }
        }
        return exitCode
      } finally {
        client.close()
      }
    },
  }
}

function checkLevel(level: string): void {
  const checked = options.logLevel.schema.safeParse(level)
  if (checked.success) return
  throw new ConfigurationError(
    'invalid value',
    `level: ${checked.error.issues[0]?.message ?? 'there is no such level'}.`,
  )
}

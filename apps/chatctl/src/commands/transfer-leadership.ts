import {
  type CommandDefinition,
  ConfigurationError,
  defineOption,
  operatorTls,
  options,
  peerAddresses,
  type TlsFiles,
  tlsOptions,
  wholeNumber,
} from '@chatroom/configuration'
import { type ClusterStatus, clusterStatus } from '../cluster-status.ts'
import type { ReplicaClient } from '../replica-client.ts'

const to = defineOption<number | null>({
  key: 'to',
  placeholder: 'id',
  help: 'which replica is to lead',
  schema: wholeNumber('the id of a replica', 0, options.maximumReplicas - 1),
  fallback: null,
  fallbackWords: 'the one that is most up to date',
  flagOnly: true,
})

/** Milliseconds that the new leader gets to commit its first entry and to serve, and between two looks. */
const servesWithin = 5_000
const lookEvery = 50

/** The status once another replica serves, or as it is when the time is over. */
async function successor(
  client: ReplicaClient,
  addresses: readonly string[],
  before: number,
): Promise<ClusterStatus> {
  const deadline = Date.now() + servesWithin
  for (;;) {
    const status = await clusterStatus(client, addresses)
    if ((status.leader !== null && status.leader !== before) || Date.now() > deadline) return status
    await new Promise((done) => setTimeout(done, lookEvery))
  }
}

/** `chatctl transfer-leadership` */
export function transferLeadershipCommand(
  connect: (tls: TlsFiles | null) => ReplicaClient,
): CommandDefinition {
  return {
    name: 'transfer-leadership',
    summary: 'Lets another replica lead, without a crash and without losing a request.',
    options: [options.peers, options.peerPort, ...tlsOptions, to],
    notes:
      'Exit codes: 0 another replica leads (or the one that was asked for led already), 1 not done, 2 called or configured wrongly.',
    run: async ({ settings, surroundings }) => {
      const addresses = peerAddresses(settings).map(({ text }) => text)
      const target = settings.get(to)
      if (target !== null && target >= addresses.length) {
        throw new ConfigurationError(
          'conflict',
          `--to: there is no replica ${target}; the last one is ${addresses.length - 1}.`,
        )
      }
      const client = connect(operatorTls(settings))
      try {
        const before = await clusterStatus(client, addresses)
        const address = before.leader === null ? undefined : addresses[before.leader]
        if (before.leader === null || address === undefined) {
          surroundings.stderr(
            'Nobody leads, so nobody can hand over; "chatctl status" says what replicas wait for.\n',
          )
          return 1
        }
        if (before.leader === target) {
          surroundings.stdout(`Replica ${target} leads already.\n`)
          return 0
        }
        await client.transferLeadership(address, target)
        const after = await successor(client, addresses, before.leader)
        surroundings.stdout(
          after.leader === null || after.leader === before.leader
            ? `Replica ${before.leader} has handed over; no other serves yet.\n`
            : `Replica ${after.leader} leads now (term ${after.term}), before it did replica ${before.leader}.\n`,
        )
        return 0
      } catch (error) {
        if (error instanceof ConfigurationError || !(error instanceof Error)) throw error
        surroundings.stderr(`Leadership was not handed over: ${error.message}\n`)
        return 1
      } finally {
        client.close()
      }
    },
  }
}

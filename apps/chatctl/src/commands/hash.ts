import {
  type CommandDefinition,
  defineOption,
  onOrOff,
  operatorTls,
  options,
  peerAddresses,
  printableJson,
  type TlsFiles,
  tlsOptions,
} from '@chatroom/configuration'
import { type Comparison, compareStates } from '../compare-states.ts'
import type { ReplicaClient } from '../replica-client.ts'

const howeverLong = defineOption<boolean>({
  key: 'howeverLong',
  placeholder: null,
  help: 'also if the state is so big that replicas stand still for long: in fail-stop mode they may be taken for dead',
  schema: onOrOff(),
  fallback: false,
  flagOnly: true,
})

const notes = `\
Every replica hashes its whole state as of the same entry, in the middle of its work; equal hashes mean equal states. A replica does nothing else
while it hashes, about 2 ms for a thousand messages, and refuses where that would take long.

Exit codes: 0 all replicas hold the same, 1 one differs, or not all could be compared, 2 called or configured wrongly.

With --json, one object on one line:
  index      the entry as of which they were compared; null if nobody leads
  same       true if all that answered hold the same
  different  ids of those that differ from most (from the leader, where there is no most)
  replicas   for each: id, hash, tookMs, or reason if it gave no hash`

/** `chatctl hash` */
export function hashCommand(
  connect: (tls: TlsFiles | null) => Pick<ReplicaClient, 'status' | 'stateHash' | 'close'>,
): CommandDefinition {
  return {
    name: 'hash',
    summary: "Compares the replicas' states and names the one that differs.",
    options: [options.peers, options.peerPort, ...tlsOptions, options.json, howeverLong],
    notes,
    run: async ({ settings, surroundings }) => {
      const client = connect(operatorTls(settings))
      try {
        const addresses = peerAddresses(settings).map(({ text }) => text)
        const result = await compareStates(client, addresses, settings.get(howeverLong))
        surroundings.stdout(
          settings.get(options.json) ? `${printableJson(result)}\n` : comparisonText(result),
        )
        return result.same && result.replicas.every(({ hash }) => hash !== null) ? 0 : 1
      } finally {
        client.close()
      }
    },
  }
}

function comparisonText({ index, same, different, replicas }: Comparison): string {
  if (index === null)
    return 'Nobody leads, so there is nothing to compare at; "chatctl status" says what replicas wait for.\n'
  const lines = replicas.map(({ id, hash, tookMs, reason }) =>
    hash === null
      ? `replica ${id}  no hash: ${reason ?? 'unknown'}`
      : `replica ${id}  ${hash}  (${Math.ceil(tookMs ?? 0)} ms)`,
  )
  return [sentence(index, same, different), '', ...lines, ''].join('\n')
}

function sentence(index: number, same: boolean, different: readonly number[]): string {
  if (different.length === 1)
    return `Replica ${different[0]} differs from the others as of entry ${index}: stop it, move its data directory away and start it again; it takes over the leader's state.`
  if (different.length > 1) return `Replicas ${different.join(', ')} differ as of entry ${index}.`
  return same
    ? `All replicas that answered hold the same as of entry ${index}.`
    : `No replica gave a hash as of entry ${index}.`
}

import {
  type CommandDefinition,
  ConfigurationError,
  defineOption,
  operatorTls,
  options,
  peerAddresses,
  printableJson,
  type Settings,
  type TlsFiles,
  textLike,
  tlsOptions,
  wholeNumber,
  wholeNumbers,
} from '@chatroom/configuration'
import { decodeView } from '@chatroom/election'
import { type Position, StorageError } from '@chatroom/replication-log'
import { readSnapshotFile, writeSnapshotFile } from '@chatroom/replication-log/file'
import { Chat, StateMachineError } from '@chatroom/state-machine'
import { clusterStatus } from '../cluster-status.ts'
import { within } from '../offline/directory-argument.ts'
import { type Founding, newClusterId, restoreSnapshot, saveSnapshot } from '../offline/snapshots.ts'
import { type ReplicaClient, ReplicaUnreachable } from '../replica-client.ts'

const id = defineOption<number>({
  key: 'as',
  placeholder: 'id',
  help: 'restore: the replica that the directory is for',
  schema: wholeNumber('the id of a replica', 0, options.maximumReplicas - 1),
  fallback: 0,
  flagOnly: true,
})

const members = defineOption<readonly number[] | null>({
  key: 'members',
  placeholder: 'ids',
  help: 'restore, for majority mode: the ids of all voters, as 0,1,2; restore each of them from the same file, with the same --cluster-id',
  schema: wholeNumbers('the id of a replica', 0, options.maximumReplicas - 1),
  fallback: null,
  fallbackWords: 'none: the replica is the only member, in fail-stop mode',
  flagOnly: true,
})

const clusterName = defineOption<string | null>({
  key: 'clusterId',
  placeholder: 'name',
  help: 'restore with --members: the name of the new cluster, as the first restore printed it',
  schema: textLike('the name of a cluster, 8 to 64 small letters and digits', /^[0-9a-z]{8,64}$/),
  fallback: null,
  fallbackWords: 'a new one',
  flagOnly: true,
})

const notes = `\
chatctl snapshot save FILE                asks the leader of a running cluster for all that it has applied, and writes it into one file. The cluster goes on meanwhile; the leader's
                                          disk needs room for it, too. The file must not exist.
chatctl snapshot save DIRECTORY FILE      writes all that a stopped replica has on its disk into one file: its newest snapshot and the log after it, also entries at the
                                          end that were never acknowledged. Reads only; the file must not exist.
chatctl snapshot inspect FILE             reads all of it and tells what is in it: numbers, no names and no texts.
chatctl snapshot restore FILE DIRECTORY   makes the data directory of replica --as of a new cluster with a new name. The directory must not exist, or be empty.
                                          In fail-stop mode one replica is enough: start it, then the others with empty directories. In majority mode all
                                          of them have to be restored, or those that are empty could outvote it: name them with --members.

FILE holds everything: names, messages, hashes of passwords. Only its owner may read it; keep it so.

Exit codes: 0 done, 1 not done, 2 called or configured wrongly.`

/** `chatctl snapshot` */
export function snapshotCommand(
  connect: (tls: TlsFiles | null) => Pick<ReplicaClient, 'status' | 'snapshot' | 'close'>,
): CommandDefinition {
  return {
    name: 'snapshot',
    summary: 'Saves, inspects and restores all data as one file.',
    arguments: [
      { name: '<save|inspect|restore>', help: 'what to do' },
      { name: '<from>', help: 'the directory or file to read; of a running cluster: the file to write' },
      { name: '[to]', help: 'the file or directory to write' },
    ],
    options: [id, members, clusterName, options.peers, options.peerPort, ...tlsOptions, options.json],
    notes,
    run: async ({ settings, arguments: [verb, from, to], surroundings }) => {
      const say = (facts: Record<string, unknown>, words: string): void =>
        surroundings.stdout(settings.get(options.json) ? `${printableJson(facts)}\n` : `${words}\n`)
      try {
        switch (verb) {
          case 'save': {
            const { index, term } =
              to === undefined
                ? await saveOnline(connect, settings, within(surroundings, from))
                : await saveSnapshot(within(surroundings, from), within(surroundings, to))
            say({ index, term }, `Saved everything up to entry ${index} of term ${term}.`)
            return 0
          }
          case 'inspect': {
            const facts = await inspect(within(surroundings, from))
            const width = Math.max(...Object.keys(facts).map((name) => name.length))
            say(
              facts,
              Object.entries(facts)
                .map(([name, value]) => `${name.padEnd(width)}  ${printableJson(value)}`)
                .join('\n'),
            )
            return 0
          }
          case 'restore': {
            const founding = foundingOf(settings)
            const { replicaId, clusterId } = founding
            const { disk } = await restoreSnapshot(
              within(surroundings, from),
              within(surroundings, to),
              founding,
            )
            say({ clusterId, disk, replicaId }, wordsOf(founding))
            return 0
          }
          default:
            throw new ConfigurationError(
              'invalid value',
              `There is no "chatctl snapshot ${verb}": write save, inspect or restore.`,
            )
        }
      } catch (error) {
        const told =
          error instanceof StorageError ||
          error instanceof StateMachineError ||
          error instanceof ReplicaUnreachable
        if (!told) throw error
        surroundings.stderr(`Not done: ${error.message.replace(/\.$/, '')}.\n`)
        return 1
      }
    },
  }
}

/** All that the leader has applied, so everything that was acknowledged. */
async function saveOnline(
  connect: (tls: TlsFiles | null) => Pick<ReplicaClient, 'status' | 'snapshot' | 'close'>,
  settings: Settings,
  path: string,
): Promise<Position> {
  const client = connect(operatorTls(settings))
  try {
    const addresses = peerAddresses(settings).map(({ text }) => text)
    const { leader, serves } = await clusterStatus(client, addresses)
    const address = leader === null ? undefined : addresses[leader]
    if (!serves || address === undefined)
      throw new ReplicaUnreachable(
        'nobody leads; "chatctl status" says what replicas wait for. Of a stopped replica: chatctl snapshot save DIRECTORY FILE',
      )
    const { info, chunks } = await client.snapshot(address)
    await writeSnapshotFile(path, info, chunks)
    return info
  } finally {
    client.close()
  }
}

/** @throws ConfigurationError if the options do not go together */
function foundingOf(settings: Settings): Founding {
  const replicaId = settings.get(id)
  const voters = settings.get(members)
  const clusterId = settings.get(clusterName)
  if (voters === null && clusterId !== null)
    throw new ConfigurationError(
      'conflict',
      '--cluster-id needs --members: in fail-stop mode only one replica is restored, and its cluster has a new name.',
    )
  if (voters !== null && !voters.includes(replicaId))
    throw new ConfigurationError(
      'conflict',
      `--members ${voters.join()} does not name replica ${replicaId} (--as).`,
    )
  return { replicaId, voters, clusterId: clusterId ?? newClusterId() }
}

function wordsOf({ replicaId, voters, clusterId }: Founding): string {
  const done = `Restored: replica ${replicaId} is of the cluster ${clusterId}.`
  const others = voters?.filter((voter) => voter !== replicaId) ?? []
  if (voters === null) return `${done} Start it in fail-stop mode, then the others with empty directories.`
  return `${done} Before any of them is started, restore ${others.length === 0 ? 'nothing else' : `replica ${others.join(' and replica ')}`} with --cluster-id ${clusterId}; start all in majority mode.`
}

async function inspect(path: string): Promise<Record<string, unknown>> {
  const file = await readSnapshotFile(path)
  const chat = new Chat()
  const sink = chat.restore()
  for await (const chunk of file.chunks()) sink.write(chunk)
  sink.finish()
  const { info } = file
  if (info === null) throw new StorageError('corrupt', `${path} is damaged`)
  const view = decodeView(info.view)
  return {
    index: info.index,
    term: info.term,
    time: new Date(info.time).toISOString(),
    clusterId: view.clusterId,
    members: view.members.map((member) => member.id),
    bytes: file.bytes,
    ...chat.counts(),
    hash: chat.hash(),
  }
}

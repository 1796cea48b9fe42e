import {
  type CommandDefinition,
  ConfigurationError,
  defineOption,
  options,
  printableJson,
  wholeNumber,
} from '@chatroom/configuration'
import { decodeView } from '@chatroom/election'
import { StorageError } from '@chatroom/replication-log'
import { readSnapshotFile } from '@chatroom/replication-log/file'
import { Chat, StateMachineError } from '@chatroom/state-machine'
import { within } from '../offline/directory-argument.ts'
import { restoreSnapshot, saveSnapshot } from '../offline/snapshots.ts'

const id = defineOption<number>({
  key: 'as',
  placeholder: 'id',
  help: 'restore: the replica that the directory is for',
  schema: wholeNumber('the id of a replica', 0, options.maximumReplicas - 1),
  fallback: 0,
  flagOnly: true,
})

const notes = `\
chatctl snapshot save DIRECTORY FILE      writes all that a stopped replica has on its disk into one file: its newest snapshot and the log after it, also entries at the
                                          end that were never acknowledged. Reads only; the file must not exist.
chatctl snapshot inspect FILE             reads all of it and tells what is in it: numbers, no names and no texts.
chatctl snapshot restore FILE DIRECTORY   makes the data directory of replica --as, the only member of a new cluster with a new name. Start it in fail-stop
                                          mode, then the others with empty directories. The directory must not exist, or be empty.

FILE holds everything: names, messages, hashes of passwords. Only its owner may read it; keep it so.

Exit codes: 0 done, 1 not done, 2 called or configured wrongly.`

/** `chatctl snapshot` */
export const snapshotCommand: CommandDefinition = {
  name: 'snapshot',
  summary: 'Saves, inspects and restores all data of a replica as one file.',
  arguments: [
    { name: '<save|inspect|restore>', help: 'what to do' },
    { name: '<from>', help: 'the directory or file to read' },
    { name: '[to]', help: 'the file or directory to write' },
  ],
  options: [id, options.json],
  notes,
  run: async ({ settings, arguments: [verb, from, to], surroundings }) => {
    const say = (facts: Record<string, unknown>, words: string): void =>
      surroundings.stdout(settings.get(options.json) ? `${printableJson(facts)}\n` : `${words}\n`)
    try {
      switch (verb) {
        case 'save': {
          const { index, term } = await saveSnapshot(within(surroundings, from), within(surroundings, to))
          say({ index, term }, `Saved everything up to entry ${index} of term ${term}.`)
          return 0
        }
        case 'inspect': {
          const facts = await inspect(within(surroundings, from))
          say(
            facts,
            Object.entries(facts)
              .map(([name, value]) => `${name.padEnd(16)} ${printableJson(value)}`)
              .join('\n'),
          )
          return 0
        }
        case 'restore': {
          const replicaId = settings.get(id)
          const { clusterId, disk } = await restoreSnapshot(
            within(surroundings, from),
            within(surroundings, to),
            replicaId,
          )
          say(
            { clusterId, disk, replicaId },
            `Restored: replica ${replicaId} is the cluster ${clusterId}. Start it in fail-stop mode, then the others with empty directories.`,
          )
          return 0
        }
        default:
          throw new ConfigurationError(
            'invalid value',
            `There is no "chatctl snapshot ${verb}": write save, inspect or restore.`,
          )
      }
    } catch (error) {
      if (!(error instanceof StorageError || error instanceof StateMachineError)) throw error
      surroundings.stderr(`Not done: ${error.message.replace(/\.$/, '')}.\n`)
      return 1
    }
  },
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

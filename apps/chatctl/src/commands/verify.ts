import { type CommandDefinition, options, printableJson } from '@chatroom/configuration'
import { StorageError } from '@chatroom/replication-log'
import { type DirectoryReport, verifyDirectory } from '@chatroom/replication-log/file'
import { within } from '../offline/directory-argument.ts'

const notes = `\
DIRECTORY is that of one replica, data/replica-0 for example. The replica must not run. Nothing is changed.

Exit codes: 0 nothing is damaged, 1 something is damaged or the directory cannot be read, 2 called or configured wrongly.

Of a replica that was killed, or whose power failed, nothing tells where its log ended: if the last of it is gone without a trace, it cannot be found, and the output says so. After a stop in order it is found.

A replica that finds such damage when it starts mends it from the others by itself. With --json, one object on one line: replicaId, disk, incarnation, clusterId,
before and last (index and term), endIsKnown, files, bytes, notices, damaged (file, from, to, words; from and to are the indices that cannot be read).`

/** `chatctl verify` */
export const verifyCommand: CommandDefinition = {
  name: 'verify',
  summary: 'Reads all data of a stopped replica and tells everything that is damaged.',
  arguments: [{ name: '<directory>', help: 'the data directory of one replica' }],
  options: [options.json],
  notes,
  run: async ({ settings, arguments: given, surroundings }) => {
    try {
      const report = await verifyDirectory(within(surroundings, given[0]))
      surroundings.stdout(settings.get(options.json) ? `${printableJson(report)}\n` : words(report))
      return report.damaged.length === 0 ? 0 : 1
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      surroundings.stderr(`Not verified: ${error.message}.\n`)
      return 1
    }
  },
}

function words({
  replicaId,
  clusterId,
  before,
  last,
  endIsKnown,
  files,
  bytes,
  notices,
  damaged,
}: DirectoryReport): string {
  const log = last.index === before.index ? 'an empty log' : `entries ${before.index + 1} to ${last.index}`
  return [
    `Replica ${replicaId} of cluster ${clusterId === '' ? '(none yet)' : clusterId}: ${log}; ${files} files, ${bytes} bytes read.`,
    ...notices.map((notice) => `Not damage: ${notice}.`),
    ...damaged.map((part) => `Damaged: ${part.words}.`),
    damaged.length === 0 ? wholeUpTo(last.index, endIsKnown) : `${damaged.length} parts are damaged.`,
    '',
  ].join('\n')
}

function wholeUpTo(last: number, endIsKnown: boolean): string {
  return endIsKnown
    ? 'Everything is whole.'
    : `All that is there is whole. The replica was not stopped in order: whether more followed entry ${last}, and is gone, cannot be told from its files.`
}

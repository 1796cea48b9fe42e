import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { bootstrapView, encodeView } from '@chatroom/election'
import { type Position, StorageError } from '@chatroom/replication-log'
import {
  openFileStorage,
  readDirectory,
  readSnapshotFile,
  writeSnapshotFile,
} from '@chatroom/replication-log/file'
import { Chat } from '@chatroom/state-machine'

/**
 * Writes all that a stopped replica has into one file: what its newest snapshot has, and its log applied to it. Only reads the directory. Rejects with a `StorageError`.
 */
export async function saveSnapshot(directory: string, path: string): Promise<Position> {
  const found = await readDirectory(directory)
  const chat = new Chat()
  const newest = found.snapshots.find(({ info }) => info !== null)?.info ?? null
  if (newest !== null) await restoreInto(chat, found.newestSnapshot())
  if (found.before.index > (newest?.index ?? 0))
    throw new StorageError(
      'corrupt',
      `${directory} has no whole snapshot, and its log begins after entry ${found.before.index}`,
    )
  let time = newest?.time ?? 0
  let view = newest?.view ?? encodeView({ members: [], learners: [], clusterId: found.clusterId })
  let viewPosition = newest?.viewPosition ?? { index: 0, term: 0 }
  for await (const { index, term, time: at, kind, payload } of found.entries(
    (newest?.index ?? 0) + 1,
    found.last.index,
  )) {
    if (kind === 'command') chat.apply(chat.decode(payload), { index, term, time: at })
    if (kind === 'view') {
      view = payload
      viewPosition = { index, term }
    }
    time = at
  }
  const end = newest !== null && newest.index > found.last.index ? newest : found.last
  await writeSnapshotFile(
    path,
    { index: end.index, term: end.term, time, view, viewPosition },
    chat.snapshot(),
  )
  return end
}

/** What the new cluster is. */
export interface Founding {
  readonly replicaId: number
  /** Majority mode: the voters, each of which needs a directory of its own from the same file. Null: the replica is the only member, in fail-stop mode. */
  readonly voters: readonly number[] | null
  /** The same in all directories of a cluster. */
  readonly clusterId: string
}

/** A name that no other cluster has. */
export function newClusterId(): string {
  return randomBytes(12).toString('hex')
}

/** Makes a data directory of a new cluster. Rejects with a `StorageError` or `StateMachineError`; then nothing was made, or what was made holds nothing. */
export async function restoreSnapshot(
  path: string,
  directory: string,
  { replicaId, voters, clusterId }: Founding,
): Promise<{ readonly disk: string }> {
  const file = await readSnapshotFile(path)
  // Found out before anything is made: a file that is damaged, or that this software does not understand.
  const chat = new Chat()
  await restoreInto(chat, file.chunks())
  const { info } = file
  if (info === null) throw new StorageError('corrupt', `${path} is damaged`)
  await refuseUsed(directory)
  const storage = openFileStorage({ directory, replicaId })
  const { identity } = await storage.open({ tailBytes: 0 })
  try {
    const { disk, incarnation } = identity
    // In a term of its own: nothing of the old cluster may be taken for something of this one.
    const position = { index: info.index + 1, term: info.term + 1 }
    await storage.persist({ hardState: { term: position.term, votedFor: null, clusterId }, entries: [] })
    // In majority mode views name neither disks nor incarnations before a change of the membership does.
    const members = voters === null ? [{ id: replicaId, disk, incarnation }] : bootstrapView(voters).members
    const view = encodeView({ members, learners: [], clusterId })
    const writer = await storage.createSnapshot({
      ...position,
      time: info.time,
      view,
      viewPosition: position,
    })
    for (const chunk of chat.snapshot()) await writer.write(chunk)
    await writer.commit()
    await storage.resetToSnapshot()
    return { disk }
  } finally {
    await storage.close()
  }
}

async function refuseUsed(directory: string): Promise<void> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw new StorageError('unreadable', `cannot read ${directory}: ${String(error)}`, { cause: error })
  })
  if (names.length > 0)
    throw new StorageError('invalid', `${directory} is not empty: name a directory that does not exist yet`)
}

async function restoreInto(chat: Chat, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const sink = chat.restore()
  for await (const chunk of chunks) sink.write(chunk)
  sink.finish()
}

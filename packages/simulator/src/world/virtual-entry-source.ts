import type { ReplicaId } from '@chatroom/election'
import type { EntrySource, ReplicaStatus, SavedSnapshot } from '@chatroom/replica'
import { type Entry, type Storage, StorageError } from '@chatroom/replication-log'
import type { Timeline } from '../kernel/timeline.ts'
import { networkTimes, type VirtualNetwork } from './virtual-network.ts'
import type { VirtualProcess } from './virtual-process.ts'

/** Bytes of entries in one answer. */
const ANSWER_BYTES = 4_096

/** A replica that takes part, and can be asked for what it has. */
export interface EntryKeeper {
  readonly process: VirtualProcess
  readonly storage: Pick<Storage, 'read'>
  readonly status: () => ReplicaStatus
  readonly snapshot: () => Promise<SavedSnapshot | null>
}

/** Another replica, for the `mendFrom` of one that starts with a damaged disk: asked over the virtual network, as long as it runs. */
export function virtualEntrySource(parts: {
  readonly asker: VirtualProcess
  readonly asked: ReplicaId
  readonly network: VirtualNetwork
  readonly timeline: Timeline
  /** Null: it does not take part now. */
  readonly keeper: () => EntryKeeper | null
}): EntrySource {
  const { asker, asked, network, timeline, keeper } = parts

  function ask<T>(serve: (kept: EntryKeeper) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const lost = (): void => asker.deliver(() => reject(new Error('no answer')))
      timeline.after(networkTimes.silent, lost)
      const arrive = (): void => {
        const kept = keeper()
        if (kept === null) return lost()
        kept.process.deliver(() => {
          serve(kept).then(
            (answer) => network.carry(asked, asker.replica, () => asker.deliver(() => resolve(answer)), lost),
            lost,
          )
        })
      }
      network.carry(asker.replica, asked, arrive, lost)
    })
  }

  return {
    name: `replica ${asked}`,
    fetch: ({ from, to }) =>
      ask(async ({ storage, status }) => {
        const { id, disk, clusterId, term, role, admitted, lastIndex } = status()
        const holder = { id, disk, term, leads: role === 'leader', admitted, lastIndex }
        const entries = await readFrom(storage, from)
        return { clusterId, holder, entries: entries.filter(({ index }) => index <= (to ?? index)) }
      }),
    snapshot: () =>
      ask(async ({ snapshot }) => {
        const saved = await snapshot()
        if (saved === null) return null
        const chunks: Uint8Array[] = []
        for await (const chunk of saved.chunks) chunks.push(chunk)
        return { clusterId: saved.clusterId, info: saved.info, chunks: each(chunks) }
      }),
  }
}

/** None, if it has given them up or cannot read them itself. */
async function readFrom(storage: Pick<Storage, 'read'>, from: number): Promise<readonly Entry[]> {
  try {
    return await storage.read(from, ANSWER_BYTES)
  } catch (error) {
    if (error instanceof StorageError && (error.code === 'compacted' || error.code === 'corrupt')) return []
    throw error
  }
}

async function* each(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, void> {
  yield* chunks
}

import { openFileStorage } from '../src/file/index.ts'
import type { Entry, SnapshotInfo, Storage } from '../src/index.ts'
import { type DiskImage, FaultFileSystem } from '../src/testing/index.ts'

// A small directory to damage: three segments, two snapshots, a truncation, several terms.

export const directory = '/data'

export function openSample(
  fileSystem: FaultFileSystem,
  report: (notice: string) => void = () => undefined,
): Storage {
  return openFileStorage({
    directory,
    replicaId: 1,
    segmentBytes: 4096,
    preallocateBytes: 512,
    batchBytes: 700,
    fileSystem,
    report,
  })
}

export function command(index: number, term: number, bytes: number): Entry {
  return {
    index,
    term,
    time: 1000 + index,
    kind: 'command',
    payload: new Uint8Array(bytes).fill(0x40 + (index % 60)),
  }
}

export function snapshotAt(index: number, term: number): Omit<SnapshotInfo, 'bytes'> {
  return {
    index,
    term,
    time: 1000 + index,
    view: new Uint8Array([7, 7, 7]),
    viewPosition: { index: 1, term: 1 },
  }
}

export async function takeSnapshot(
  storage: Storage,
  info: Omit<SnapshotInfo, 'bytes'>,
  text: string,
): Promise<void> {
  const writer = await storage.createSnapshot(info)
  await writer.write(new TextEncoder().encode(text))
  await writer.commit()
}

async function fill(storage: Storage): Promise<void> {
  await storage.open({ tailBytes: 0 })
  await storage.persist({
    hardState: { term: 1, votedFor: 0, clusterId: 'cluster' },
    entries: [
      { index: 1, term: 1, time: 1, kind: 'view', payload: new Uint8Array([1, 2, 3]) },
      command(2, 1, 5),
    ],
  })
  await storage.persist({ entries: [command(3, 1, 300), command(4, 1, 500), command(5, 1, 10)] })
  await takeSnapshot(storage, snapshotAt(3, 1), 'state at three')
  await storage.persist({ hardState: { term: 2, votedFor: null, clusterId: 'cluster' }, entries: [] })
  await storage.persist({
    truncateFrom: 5,
    entries: [command(5, 2, 3000), { ...command(6, 2, 0), kind: 'noop' }],
  })
  await takeSnapshot(storage, snapshotAt(5, 2), 'state at five')
  await storage.persist({ entries: [command(7, 2, 600), command(8, 2, 200), command(9, 2, 700)] })
  await storage.persist({ entries: [command(10, 2, 40)] })
}

/** As it is after an orderly end, and as a power cut leaves it: then nothing tells that the last write was durable. */
export async function sample(end: 'closed' | 'power cut'): Promise<DiskImage> {
  const fileSystem = new FaultFileSystem()
  const storage = openSample(fileSystem)
  await fill(storage)
  if (end === 'closed') await storage.close()
  return new Map([...fileSystem.image('durable')].filter(([path]) => !path.includes('lock-')))
}

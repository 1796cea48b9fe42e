import { type Entry, type Storage, StorageError, type StoredState } from '@chatroom/replication-log'
import { openFileStorage } from '@chatroom/replication-log/file'
import { type DiskImage, FaultFileSystem } from '@chatroom/replication-log/testing'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { EntrySource } from '../src/index.ts'
import { type MendingEvent, openWhole } from '../src/shell/mending.ts'
import { VirtualClock } from '../src/testing/index.ts'

// Whatever happens to the files of a replica: with the help of the others it is whole again, or it does not start and says why. Never does it start with less than it had confirmed, or
// with something else.

const last = 60
const clusterId = 'cluster'
const hardState = { term: 3, votedFor: 1, clusterId }
const entries: Entry[] = Array.from({ length: last }, (_, at) => ({
  index: at + 1,
  term: 1 + Math.floor(at / 25),
  time: 1_000 + at,
  kind: at === 0 ? 'view' : 'command',
  payload: new Uint8Array((at * 37) % 500).fill(at + 1),
}))

function infoAt(index: number): Parameters<Storage['createSnapshot']>[0] {
  const { term = 0, time = 0 } = entries[index - 1] ?? {}
  return { index, term, time, view: new Uint8Array([7]), viewPosition: { index: 1, term: 1 } }
}

function stateAt(index: number): Uint8Array {
  return new TextEncoder().encode(`everything up to ${index} `.repeat(40))
}

function storageOn(fileSystem: FaultFileSystem): Storage {
  return openFileStorage({
    directory: '/data',
    replicaId: 1,
    segmentBytes: 4096,
    preallocateBytes: 512,
    batchBytes: 700,
    fileSystem,
  })
}

/** Snapshots at 15 and 30, the log from before 15 on, several segments. */
async function healthy(): Promise<DiskImage> {
  const fileSystem = new FaultFileSystem()
  const storage = storageOn(fileSystem)
  await storage.open({ tailBytes: 0 })
  await storage.persist({ hardState, entries: [] })
  for (let at = 0; at < last; at += 3) {
    await storage.persist({ entries: entries.slice(at, at + 3) })
    if (at !== 15 && at !== 30) continue
    const writer = await storage.createSnapshot(infoAt(at))
    await writer.write(stateAt(at))
    await writer.commit()
    await storage.compact(at)
  }
  await storage.close()
  return new Map([...fileSystem.image('durable')].filter(([path]) => !path.includes('lock-')))
}

/** What the others have: entries from `from` on, and a snapshot at `snapshotAt`. Of what a leader has it is proven that nothing more was confirmed. */
function other(from: number, snapshotAt: number, leads: boolean): EntrySource {
  async function* chunks(): AsyncGenerator<Uint8Array, void, void> {
    yield stateAt(snapshotAt)
  }
  return {
    name: 'replica 2',
    fetch: async (request) => ({
      clusterId,
      holder: { id: 2, disk: 'two', term: 3, leads, admitted: false, lastIndex: last },
      entries:
        request.from < from
          ? []
          : entries.filter(({ index }) => index >= request.from && index <= (request.to ?? last)),
    }),
    snapshot: async () => ({ clusterId, info: infoAt(snapshotAt), chunks: chunks() }),
  }
}

type Damage = (content: Uint8Array<ArrayBuffer>) => Uint8Array | null

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const damages: fc.Arbitrary<Damage> = fc.oneof(
  fc.tuple(place, fc.nat({ max: 7 })).map(
    ([at, bit]): Damage =>
      (content) => {
        const offset = Math.floor(at * content.length)
        content[offset] = (content[offset] ?? 0) ^ (1 << bit)
        return content
      },
  ),
  fc.tuple(place, fc.constantFrom(0, 0xff), fc.constantFrom(512, 40, 4096)).map(
    ([at, value, bytes]): Damage =>
      (content) =>
        content.fill(
          value,
          Math.floor((at * content.length) / 512) * 512,
          Math.floor((at * content.length) / 512) * 512 + bytes,
        ),
  ),
  place.map(
    (at): Damage =>
      (content) =>
        content.slice(0, Math.floor(at * content.length)),
  ),
  fc.tuple(place, place).map(
    ([from, to]): Damage =>
      (content) =>
        content.copyWithin(
          Math.floor(to * content.length),
          Math.floor(from * content.length),
          Math.floor(from * content.length) + 512,
        ),
  ),
  fc.constant<Damage>(() => null),
)

async function openDamaged(
  image: DiskImage,
  source: EntrySource,
): Promise<{ opened: StoredState; storage: Storage } | StorageError> {
  const storage = storageOn(new FaultFileSystem({ image, pid: 7 }))
  const events: MendingEvent[] = []
  try {
    const opened = await openWhole({
      id: 1,
      storage,
      mode: 'majority',
      sources: [source],
      clock: new VirtualClock(),
      withinMs: 0,
      tailBytes: 0,
      signal: new AbortController().signal,
      emit: (event) => events.push(event),
    })
    return { opened, storage }
  } catch (error) {
    if (error instanceof StorageError) return error
    throw error
  }
}

/** Null: it holds all that was confirmed. */
async function objection(opened: StoredState, storage: Storage): Promise<string | null> {
  if (opened.hardState.term !== 3 || opened.hardState.votedFor !== 1) return 'it forgot its vote'
  const { snapshot, before } = opened
  if (opened.last.index < last) return `it ends at ${opened.last.index}`
  if (before.index > (snapshot?.index ?? 0))
    return `its log begins after ${before.index}, its snapshot is at ${snapshot?.index}`
  for (let next = before.index + 1; next <= opened.last.index; ) {
    for (const entry of await storage.read(next, 2_000)) {
      const expected = entries[next++ - 1]
      if (
        entry.index !== expected?.index ||
        entry.term !== expected.term ||
        Buffer.compare(entry.payload, expected.payload) !== 0
      )
        return `entry ${entry.index} is another`
    }
  }
  if (snapshot === null) return null
  const chunks: Uint8Array[] = []
  for await (const chunk of storage.readSnapshot(0)) chunks.push(chunk)
  return Buffer.concat(chunks).equals(stateAt(snapshot.index)) ? null : 'its snapshot is another'
}

it('is healed with the help of the others, or refused; nothing wrong is ever served', {
  timeout: 120_000,
}, async () => {
  const image = await healthy()
  const paths = [...image.keys()].sort()
  const counts = { whole: 0, refused: 0 }
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat({ max: paths.length - 1 }), damages), { minLength: 1, maxLength: 5 }),
      // The last: its snapshot is older than where the log of the damaged one begins.
      fc.constantFrom([1, 45], [20, 45], [46, 60], [61, 60], [9, 10]),
      fc.boolean(),
      async (wounds, [from = 1, snapshotAt = 1], leads) => {
        const damaged = new Map(image)
        for (const [at, damage] of wounds) {
          const path = paths[at] ?? ''
          const content = damaged.get(path)
          const left = content === undefined ? null : damage(Uint8Array.from(content))
          if (left === null) damaged.delete(path)
          else damaged.set(path, left)
        }
        const outcome = await openDamaged(damaged, other(from, snapshotAt, leads))
        if (outcome instanceof StorageError) {
          counts.refused++
          // With all of the log at hand only the state itself is beyond help.
          if (leads && !/state-[ab]|a vote|format/.test(outcome.message)) throw outcome
          // Any other error would be one of the program.
          if (outcome.code !== 'corrupt' && outcome.code !== 'newer format') throw outcome
          return
        }
        counts.whole++
        expect(await objection(outcome.opened, outcome.storage)).toBeNull()
        await outcome.storage.close()
      },
    ),
    { seed: 4, numRuns: 1_500 },
  )
  expect(counts.whole).toBeGreaterThan(500)
  expect(counts.refused).toBeGreaterThan(50)
})

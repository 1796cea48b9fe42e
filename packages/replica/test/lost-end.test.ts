import { encodeView, type ModeName } from '@chatroom/election'
import { type Entry, type Storage, StorageError } from '@chatroom/replication-log'
import { openFileStorage } from '@chatroom/replication-log/file'
import { type DiskImage, FaultFileSystem } from '@chatroom/replication-log/testing'
import { describe, expect, it } from 'vitest'
import type { EntryHolder, EntrySource } from '../src/index.ts'
import { type MendingEvent, openWhole } from '../src/shell/mending.ts'
import { VirtualClock } from '../src/testing/index.ts'

// SPEC.md, "A log that lost its end": who may make up for it, and who may not.

const clusterId = 'cluster'
const voted = { term: 3, votedFor: 1, clusterId }

function viewOf(...ids: readonly number[]): Uint8Array {
  const members = ids.map((id) => ({ id, disk: `disk ${id}`, incarnation: 4 }))
  return encodeView({ members, learners: [], clusterId })
}

/** Entries 1 to 12: a view at 1, another at 8, terms up to 3; what a replica of a later term would have behind them. */
function log(secondView: Uint8Array, end = 12): Entry[] {
  return Array.from({ length: end }, (_, at): Entry => {
    const index = at + 1
    const term = index < 5 ? 1 : index < 13 ? 3 : 4
    const payload = index === 1 ? viewOf(0, 1, 2) : index === 8 ? secondView : new Uint8Array(900).fill(index)
    return { index, term, time: index, kind: index === 1 || index === 8 ? 'view' : 'command', payload }
  })
}

function storageOn(fileSystem: FaultFileSystem, segmentBytes: number = 64 * 1024): Storage {
  return openFileStorage({
    directory: '/data',
    replicaId: 1,
    segmentBytes,
    batchBytes: 100,
    preallocateBytes: 0,
    fileSystem,
  })
}

function durableOn(fileSystem: FaultFileSystem): DiskImage {
  return new Map([...fileSystem.image('durable')].filter(([name]) => !name.includes('lock-')))
}

/** Replica 1. */
async function whole(secondView: Uint8Array): Promise<DiskImage> {
  const fileSystem = new FaultFileSystem()
  const storage = storageOn(fileSystem)
  await storage.open({ tailBytes: 0 })
  await storage.persist({ hardState: voted, entries: log(secondView) })
  await storage.close()
  return durableOn(fileSystem)
}

/** The same, when it has given up the beginning of its log behind snapshots at 6 and 9, and both are damaged. */
async function withoutBeginning(secondView: Uint8Array): Promise<{ image: DiskImage; before: number }> {
  const fileSystem = new FaultFileSystem()
  const storage = storageOn(fileSystem, 4096)
  await storage.open({ tailBytes: 0 })
  for (const entry of log(secondView)) await storage.persist({ hardState: voted, entries: [entry] })
  for (const index of [6, 9]) {
    const viewPosition = index < 8 ? { index: 1, term: 1 } : { index: 8, term: 3 }
    const view = index < 8 ? viewOf(0, 1, 2) : secondView
    const writer = await storage.createSnapshot({ index, term: 3, time: index, view, viewPosition })
    await writer.write(new Uint8Array([4, 5, 6]))
    await writer.commit()
  }
  await storage.compact(9)
  await storage.close()
  const reopened = storageOn(new FaultFileSystem({ image: durableOn(fileSystem), pid: 2 }))
  const { before } = await reopened.open({ tailBytes: 0 })
  const damaged = [...durableOn(fileSystem)].map(([path, content]): [string, Uint8Array] => [
    path,
    path.endsWith('.snap') ? content.map((byte, at) => (at === 130 ? byte ^ 1 : byte)) : content,
  ])
  return { image: new Map(damaged), before: before.index }
}

/** The same, when its log was cut behind entry `kept`. */
async function cutAfter(kept: number, secondView: Uint8Array): Promise<DiskImage> {
  const path = '/data/log-0000000001.seg'
  const image = new Map(await whole(secondView))
  const content = Buffer.from(image.get(path) ?? [])
  // Each entry is a batch of its own; the records of the first lost one begin behind its header.
  const lost = log(secondView)[kept]?.payload ?? new Uint8Array(0)
  image.set(path, Uint8Array.from(content.subarray(0, content.indexOf(lost) + 10)))
  return image
}

interface Other {
  readonly id?: number
  readonly disk?: string
  readonly term?: number
  readonly leads?: boolean
  readonly admitted?: boolean
  readonly entries?: readonly Entry[]
  /** Of its snapshot, behind which it has given its log up. */
  readonly snapshotAt?: number
}

/** What it says when it is asked for the first time, the second, …; the last for ever. */
function replica(...says: (Other | 'starts' | 'waits itself')[]): EntrySource {
  const next = (): Other | 'starts' | 'waits itself' => (says.length > 1 ? says.shift() : says[0]) ?? {}
  const now = says[0]
  const id = typeof now === 'object' ? (now.id ?? 2) : 2
  let snapshotAt = typeof now === 'object' ? (now.snapshotAt ?? 0) : 0
  return {
    name: `replica ${id}`,
    fetch: async ({ from, to }) => {
      const said = next()
      if (said === 'starts') throw new Error('it has not started')
      if (said === 'waits itself') return { clusterId, entries: [] }
      const {
        disk = `disk ${id}`,
        term = 3,
        leads = false,
        admitted = false,
        entries = log(viewOf(0, 1, 2)),
      } = said
      snapshotAt = said.snapshotAt ?? 0
      const holder: EntryHolder = { id, disk, term, leads, admitted, lastIndex: entries.length }
      const kept = from <= snapshotAt ? [] : entries
      return {
        clusterId,
        holder,
        entries: kept.filter(({ index }) => index >= from && index <= (to ?? index)),
      }
    },
    snapshot: async () => {
      if (snapshotAt === 0) return null
      async function* chunks(): AsyncGenerator<Uint8Array, void, void> {
        yield new Uint8Array([1, 2, 3])
      }
      const { term = 0 } = log(viewOf(0, 1, 2), 20)[snapshotAt - 1] ?? {}
      const view = { view: viewOf(0, 1, 2), viewPosition: { index: 8, term: 3 } }
      return { clusterId, info: { index: snapshotAt, term, time: 1, ...view }, chunks: chunks() }
    },
  }
}

/** Where the log ends once it is whole; or why it is refused. */
async function healed(
  mode: ModeName,
  image: DiskImage,
  ...sources: EntrySource[]
): Promise<{ last: number; events: MendingEvent[] } | string> {
  return await opened([], mode, image, sources)
}

/** Why it is refused, and what it said before. */
async function refusedWith(
  events: MendingEvent[],
  mode: ModeName,
  image: DiskImage,
  ...sources: EntrySource[]
): Promise<string> {
  const result = await opened(events, mode, image, sources)
  if (typeof result !== 'string') throw new Error(`it opened, with entry ${result.last} as its last`)
  return result
}

async function opened(
  events: MendingEvent[],
  mode: ModeName,
  image: DiskImage,
  sources: readonly EntrySource[],
): Promise<{ last: number; events: MendingEvent[] } | string> {
  const fileSystem = new FaultFileSystem({ image, pid: 2 })
  const storage = storageOn(fileSystem)
  const clock = new VirtualClock()
  let done = false
  const opening = openWhole({
    id: 1,
    storage,
    mode,
    sources,
    clock,
    withinMs: 3_000,
    tailBytes: 0,
    signal: new AbortController().signal,
    emit: (event) => events.push(event),
  }).finally(() => {
    done = true
  })
  const settled = opening.then(
    ({ last, hardState }) => {
      expect(hardState.term).toBeGreaterThanOrEqual(3)
      return { last: last.index, events }
    },
    (error: unknown) => {
      if (error instanceof StorageError && error.code === 'corrupt') return error.message
      throw error
    },
  )
  while (!done) {
    for (let turn = 0; turn < 400 && !done; turn++) await Promise.resolve()
    if (!done) clock.advance(500)
  }
  await storage.close()
  return await settled
}

async function healedWhole(
  ...given: Parameters<typeof healed>
): Promise<{ last: number; events: MendingEvent[] }> {
  const result = await healed(...given)
  if (typeof result === 'string') throw new Error(result)
  return result
}

const all = viewOf(0, 1, 2)

describe('majority: a log that lost its end', () => {
  it('goes on with that of a leader of its own term or a later one', async () => {
    for (const term of [3, 7])
      expect(await healed('majority', await cutAfter(9, all), replica({ leads: true, term }))).toMatchObject({
        last: 12,
      })
  })

  it('goes on with that of whoever follows the leader of a later term', async () => {
    const other = replica({ term: 4, entries: log(all, 14) })
    expect(await healed('majority', await cutAfter(9, all), other)).toMatchObject({ last: 14 })
  })

  it('does not go on with that of a follower, or of a leader of an earlier term: they may lack what it had confirmed', async () => {
    const refused = 'neither leads nor has an entry of a term after 3'
    for (const other of [{}, { admitted: true }, { term: 9 }])
      expect(await healed('majority', await cutAfter(9, all), replica(other))).toContain(
        `replica 2 ${refused}`,
      )
    expect(await healed('majority', await cutAfter(9, all), replica({ leads: true, term: 2 }))).toContain(
      'replica 2 leads in term 2, but this replica was in term 3 already',
    )
  })

  it('waits while the leader is of an earlier term than its own, says how that ends, and not for ever', async () => {
    const early = { leads: true, term: 2 }
    const image = await cutAfter(9, all)
    const why = /replica 2 leads in term 2, but this replica was in term 3.*`chatctl transfer-leadership`/
    const { last, events } = await healedWhole(
      'majority',
      image,
      replica(early, early, { ...early, term: 3 }),
    )
    expect(last).toBe(12)
    const waits = events.filter(({ type }) => type === 'damage waits')
    expect(waits.map(({ words }) => words)).toEqual([expect.stringMatching(why)])
    expect(await healed('majority', image, replica(early))).toMatch(why)
  })

  it('waits until one leads, and tells what for', async () => {
    const image = await cutAfter(9, all)
    const other = replica('starts', 'waits itself', {}, { leads: true, term: 4, entries: log(all, 13) })
    const { last, events } = await healedWhole('majority', image, other)
    expect(last).toBe(13)
    expect(events.filter(({ type }) => type === 'damage waits').map(({ words }) => words)).toEqual([
      'waits for entries from 10 on: no answer from replica 2 (it has not started)',
      'waits for entries from 10 on: replica 2 does not take part yet',
      'waits for entries from 10 on: replica 2 neither leads nor has an entry of a term after 3',
    ])
    expect(events.at(-1)).toMatchObject({ words: 'mended with the log of replica 2' })
  })
})

describe('fail-stop: a log that lost its end', () => {
  it('goes on with that of an admitted replica, whatever view that is in', async () => {
    const image = await cutAfter(9, viewOf(1))
    const other = replica({ admitted: true, entries: log(viewOf(1), 14) })
    expect(await healed('fail-stop', image, other)).toMatchObject({ last: 14 })
  })

  it('goes on with that of another member of the newest view it had, when all come back', async () => {
    for (const kept of [9, 8])
      expect(await healed('fail-stop', await cutAfter(kept, all), replica({}))).toMatchObject({ last: 12 })
    // The view is lost, too, but the state names it, and the other has it.
    for (const kept of [7, 3, 1])
      expect(await healed('fail-stop', await cutAfter(kept, all), replica({}))).toMatchObject({ last: 12 })
  })

  it('does not go on with that of a replica that the newest view left out, or that has another disk now', async () => {
    const alone = await healed(
      'fail-stop',
      await cutAfter(9, viewOf(1)),
      replica({ entries: log(viewOf(1)) }),
    )
    expect(alone).toMatch(
      /entries from 10 on.*not admitted, and the view at entry 8 is of replica 1.*the lost file/,
    )
    const replaced = await healed('fail-stop', await cutAfter(9, all), replica({ disk: 'new' }))
    expect(replaced).toContain('the view at entry 8 is of replica 0, replica 1, replica 2')
  })

  it('that was alone in the newest view stops as soon as all others have answered: nobody else can ever have it', async () => {
    const events: MendingEvent[] = []
    const others = [0, 2].map((id) => replica({ id, entries: log(viewOf(1)).slice(0, 7) }))
    const stopped = await refusedWith(events, 'fail-stop', await cutAfter(9, viewOf(1)), ...others)
    expect(stopped).toMatch(
      /entries from 10 on cannot be read; replica 0 is not admitted, and the view at entry 8 is of replica 1, .*or the lost file.*`chatctl recover --without`/,
    )
    expect(events.map(({ type }) => type)).toEqual(['damage found'])
    // Of a view of two the other may come back.
    await refusedWith(events, 'fail-stop', await cutAfter(9, viewOf(0, 1)), replica({ id: 2 }))
    expect(events.map(({ type }) => type)).toEqual(['damage found', 'damage found', 'damage waits'])
  })

  it('does not go on with one that does not know the newest view: this replica may have gone on under it, alone', async () => {
    const other = replica({ entries: log(all).slice(0, 7) })
    expect(await healed('fail-stop', await cutAfter(5, viewOf(1)), other)).toContain(
      'is not admitted and does not have the view at entry 8',
    )
  })

  it('does not lead by what it leads: a leader that is not admitted has proven nothing', async () => {
    const other = replica({ leads: true, term: 9, entries: log(viewOf(1), 14) })
    expect(await healed('fail-stop', await cutAfter(9, viewOf(1)), other)).toContain('is not admitted')
  })

  it('of several takes the one that is proven to have it', async () => {
    const sources = [replica({ id: 3 }), replica({ id: 0, disk: 'new' }), replica({ id: 2 })]
    const result = await healed('fail-stop', await cutAfter(9, all), ...sources)
    expect(result).toMatchObject({ last: 12 })
  })
})

describe('a log that lost its end, where the others have given theirs up', () => {
  it('goes on after a snapshot, with what the other has behind it', async () => {
    for (const mode of ['majority', 'fail-stop'] as const) {
      const other = replica({ leads: true, admitted: true, snapshotAt: 11, entries: log(all, 14) })
      const { last, events } = await healedWhole(mode, await cutAfter(6, all), other)
      expect(last).toBe(14)
      expect(events.map(({ words }) => words)).toEqual([
        expect.stringContaining('entries from 7 on cannot be read'),
        'mended with the log of replica 2',
        expect.stringContaining('damaged at byte'),
        'mended with the log of replica 2',
      ])
    }
  })

  it('and the other cannot tell how far it was confirmed, is refused as before', async () => {
    const other = replica({ snapshotAt: 11 })
    expect(await healed('majority', await cutAfter(6, all), other)).toContain('entries from')
  })
})

describe('a log whose beginning is lost with its snapshots, where the snapshots of all others are older', () => {
  it('is whole again with the log behind such a snapshot, from whoever is proven to have the end', async () => {
    const { image, before } = await withoutBeginning(all)
    expect(before).toBeGreaterThan(3)
    const old = { snapshotAt: 3, entries: log(all, 14) }
    const cases: [ModeName, Other[]][] = [
      ['fail-stop', [{ ...old, entries: log(all) }]],
      [
        'fail-stop',
        [
          { ...old, id: 0, disk: 'new' },
          { ...old, admitted: true },
        ],
      ],
      ['majority', [old, { ...old, leads: true }]],
    ]
    for (const [mode, others] of cases) {
      const { last, events } = await healedWhole(mode, image, ...others.map((other) => replica(other)))
      expect(last).toBe(others.at(-1)?.entries?.length)
      expect(events.map(({ words }) => words)).toEqual([
        expect.stringContaining(`the log begins after entry ${before}, and no whole snapshot reaches there`),
        // The older snapshot holds nothing but what was committed, whoever gives it.
        `mended with the log of replica ${others[0]?.id ?? 2}`,
        expect.stringContaining(`the log begins after entry ${before}`),
        'mended with the log of replica 2',
      ])
    }
  })

  it('says which entries are lost where nobody is', async () => {
    const { image, before } = await withoutBeginning(viewOf(1))
    expect(await healed('fail-stop', image, replica({ snapshotAt: 3 }))).toMatch(
      new RegExp(
        `the log begins after entry ${before}, and no whole snapshot reaches there.*replica 2 has a snapshot at entry 3, which does not have them.*replica 2 is not admitted`,
      ),
    )
  })
})

describe('replicas that are damaged in different places', () => {
  /** Bits of the payloads of these entries are flipped. */
  async function damaged(...indices: readonly number[]): Promise<Storage> {
    const path = '/data/log-0000000001.seg'
    const image = await whole(all)
    const content = Buffer.from(image.get(path) ?? [])
    for (const index of indices) {
      const at = content.indexOf(Buffer.alloc(200, index)) + 100
      content.writeUInt8(index ^ 1, at)
    }
    return storageOn(
      new FaultFileSystem({ image: new Map([...image, [path, Uint8Array.from(content)]]), pid: 3 }),
    )
  }

  it('mend each other while each of them waits', async () => {
    const clock = new VirtualClock()
    const storages = [await damaged(3, 10), await damaged(6, 11)]
    const waiting = new Set<Storage>()
    /** What the other one hands out while it waits, and then all. */
    const sourceOf = (id: number): EntrySource => ({
      name: `replica ${id}`,
      fetch: async ({ from, to }) => {
        const storage = storages[id]
        if (storage === undefined || !waiting.has(storage)) throw new Error('nobody listens')
        const copy = await storage
          .salvage?.(from, 100_000)
          .catch(async () => ({ clusterId, entries: await storage.read(from, 100_000) }))
        return { clusterId, entries: copy?.entries.filter(({ index }) => index <= (to ?? index)) ?? [] }
      },
    })
    let left = storages.length
    const opened = storages.map(async (storage, id) => {
      const stored = await openWhole({
        id,
        storage,
        mode: 'fail-stop',
        sources: [sourceOf(1 - id)],
        clock,
        withinMs: 60_000,
        tailBytes: 0,
        signal: new AbortController().signal,
        emit: () => undefined,
        needsOthers: async () => void waiting.add(storage),
      }).finally(() => {
        left--
      })
      return stored.last.index
    })
    const both = Promise.all(opened)
    both.catch(() => undefined)
    while (left > 0) {
      for (let turn = 0; turn < 400 && left > 0; turn++) await Promise.resolve()
      if (left > 0) clock.advance(500)
    }
    expect(await both).toEqual([12, 12])
    for (const storage of storages) await storage.close()
  })
})

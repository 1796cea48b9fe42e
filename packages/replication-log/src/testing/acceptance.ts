import { strict as assert } from 'node:assert'
import type { Entry, EntryKind } from '../entry.ts'
import type { SnapshotCopy, SnapshotInfo, Storage, StoredState } from '../storage.ts'
import { StorageError, type StorageErrorCode } from '../storage-error.ts'

/** Somewhere a storage can keep its data, empty at first: a directory, a virtual disk. */
export interface StorageMedium {
  /** A storage on this medium for a process of this replica, not open yet. */
  storage(replicaId: number): Storage
  /** Ends the process that uses the medium without notice. Left out: what a crash leaves is not tested. */
  crash?(): void
  /** Makes the entry at `index` unreadable, while nobody uses the medium. Left out: mending is not tested. */
  damage?(index: number): Promise<void> | void
}

/** One promise of the Storage port. `run` gets a new medium and throws if the promise is not kept. */
export interface StorageCase {
  readonly name: string
  readonly run: (medium: StorageMedium) => Promise<void>
}

const tailBytes = 1_000_000

/** What every implementation of the Storage port must pass. Run each case with a medium of its own. */
export const storageCases: readonly StorageCase[] = [
  {
    name: 'is empty at first',
    async run(medium) {
      const { state, storage } = await start(medium)
      assert.equal(state.identity.replicaId, 1)
      assert.equal(state.identity.incarnation, 1)
      assert.notEqual(state.identity.disk, '')
      assert.deepEqual(state.hardState, { term: 0, votedFor: null, clusterId: '' })
      assert.equal(state.snapshot, null)
      assert.deepEqual([state.before, state.last], [nowhere, nowhere])
      assert.deepEqual([state.termStarts, state.views, state.tail], [[], [], []])
      assert.deepEqual(await storage.read(1, 1000), [])
      await storage.close()
    },
  },
  {
    name: 'gives entries back as they were, at once and after a restart',
    async run(medium) {
      const { storage } = await start(medium)
      const entries = [
        entry(1, 1, { kind: 'view', text: '{}' }),
        entry(2, 1, { kind: 'noop', text: '' }),
        entry(3, 7, { time: 1_764_000_000_000.25, text: 'command' }),
        entry(4, Number.MAX_SAFE_INTEGER, { time: 0, text: '\0'.repeat(2000) }),
      ]
      await storage.persist({ entries })
      assert.deepEqual(await storage.read(1, 1_000_000), entries)
      const { state, storage: again } = await restart(medium, storage)
      assert.deepEqual(await again.read(1, 1_000_000), entries)
      assert.deepEqual(state.tail, entries)
      assert.deepEqual(state.views, [entries[0]])
      assert.deepEqual(state.last, { index: 4, term: Number.MAX_SAFE_INTEGER })
      assert.deepEqual(state.termStarts, [at(1, 1), at(3, 7), at(4, Number.MAX_SAFE_INTEGER)])
      await again.close()
    },
  },
  {
    name: 'reads from any entry, within the bytes asked for, at least one',
    async run(medium) {
      const { storage } = await start(medium)
      const entries = range(1, 50, 1)
      await storage.persist({ entries: entries.slice(0, 20) })
      await storage.persist({ entries: entries.slice(20) })
      const size = 64 + (entries[9]?.payload.length ?? 0)
      assert.deepEqual(await storage.read(10, 3 * size), entries.slice(9, 12))
      assert.deepEqual(await storage.read(10, 3 * size - 1), entries.slice(9, 11))
      assert.deepEqual(await storage.read(50, 0), entries.slice(49))
      assert.deepEqual(await storage.read(51, 1000), [])
      assert.deepEqual(await storage.read(19, 1_000_000), entries.slice(18))
      await storage.close()
    },
  },
  {
    name: 'keeps a large entry and many small ones',
    async run(medium) {
      const { storage } = await start(medium)
      const entries = [
        ...range(1, 1500, 1),
        entry(1501, 1, { text: 'x'.repeat(1_500_000) }),
        ...range(1502, 1600, 2),
      ]
      await storage.persist({ entries })
      const { state, storage: again } = await restart(medium, storage)
      assert.deepEqual(state.last, at(1600, 2))
      const found: Entry[] = []
      while (found.length < 1600) found.push(...(await again.read(found.length + 1, 100_000)))
      assert.deepEqual(found, entries)
      await again.close()
    },
  },
  {
    name: 'names a damaged entry, and takes back the original and nothing else',
    async run(medium) {
      if (!medium.damage) return
      const { storage } = await start(medium)
      await storage.persist({
        hardState: { term: 1, votedFor: null, clusterId: 'c' },
        entries: range(1, 3, 1),
      })
      await storage.persist({ entries: range(4, 4, 2) })
      await storage.persist({ entries: range(5, 9, 2) })
      await storage.close()
      await medium.damage(4)
      const again = medium.storage(1)
      const refused: unknown = await again.open({ tailBytes }).catch((error: unknown) => error)
      assert.ok(refused instanceof StorageError && refused.code === 'corrupt', String(refused))
      const { damage } = refused
      assert.ok(damage && damage.from === 4 && damage.to !== null, JSON.stringify(damage))
      assert.equal(await again.mend(damage, 'directory'), false)
      assert.equal(await again.mend(damage, 'snapshot'), false)
      const original = range(1, 9, 2)
      const wrong = original.map((each) => (each.index === 4 ? entry(4, 2, { text: 'entry 0005' }) : each))
      for (const entries of [[], original.slice(4), wrong])
        assert.equal(await again.mend(damage, { clusterId: 'c', entries }), false)
      assert.equal(await again.mend(damage, { clusterId: 'c', entries: original }), true)
      const state = await again.open({ tailBytes })
      assert.deepEqual(state.tail, [...range(1, 3, 1), ...range(4, 9, 2)])
      assert.equal(state.identity.incarnation, 2)
      await again.close()
    },
  },
  {
    name: 'takes the snapshot of another storage in place of a damaged entry, if that has it',
    async run(medium) {
      if (!medium.damage) return
      const { storage } = await start(medium)
      await storage.persist({
        hardState: { term: 1, votedFor: null, clusterId: 'c' },
        entries: range(1, 3, 1),
      })
      await storage.persist({ entries: range(4, 4, 2) })
      await storage.persist({ entries: range(5, 9, 2) })
      await storage.close()
      await medium.damage(4)
      const again = medium.storage(1)
      const refused: unknown = await again.open({ tailBytes }).catch((error: unknown) => error)
      assert.ok(refused instanceof StorageError && refused.damage, String(refused))
      const { damage } = refused
      const copy = (index: number, term: number, clusterId = 'c'): SnapshotCopy => ({
        clusterId,
        info: { ...at(index, term), time: 5, view: new Uint8Array([1]), viewPosition: at(1, 1) },
        chunks: textsOf('state of ', 'another'),
      })
      for (const useless of [copy(3, 1), copy(6, 1), copy(6, 2, 'd')])
        assert.equal(await again.mend(damage, useless), false)
      assert.equal(await again.mend(damage, copy(6, 2)), true)
      const state = await again.open({ tailBytes })
      assert.deepEqual(at(state.snapshot?.index ?? 0, state.snapshot?.term ?? 0), at(6, 2))
      assert.deepEqual([state.before, state.last], [at(4, 2), at(9, 2)])
      const found: Uint8Array[] = []
      for await (const chunk of again.readSnapshot(0)) found.push(new Uint8Array(chunk))
      assert.equal(found.map((chunk) => new TextDecoder().decode(chunk)).join(''), 'state of another')
      await again.close()
    },
  },
  {
    name: 'does outstanding calls in their order',
    async run(medium) {
      const { storage } = await start(medium)
      const order: number[] = []
      const calls = [
        storage.persist({ entries: range(1, 3, 1) }),
        storage.persist({ hardState: { term: 2, votedFor: 0, clusterId: 'c' }, entries: [] }),
        storage.persist({ truncateFrom: 3, entries: range(3, 4, 2) }),
        storage.persist({ entries: [] }),
        storage.persist({ hardState: { term: 3, votedFor: null, clusterId: 'c' }, entries: range(5, 5, 3) }),
      ]
      await Promise.all(calls.map((call, number) => call.then(() => order.push(number))))
      assert.deepEqual(order, [0, 1, 2, 3, 4])
      const expected = [...range(1, 2, 1), ...range(3, 4, 2), ...range(5, 5, 3)]
      assert.deepEqual(await storage.read(1, 100_000), expected)
      const { state, storage: again } = await restart(medium, storage)
      assert.deepEqual(state.hardState, { term: 3, votedFor: null, clusterId: 'c' })
      assert.deepEqual(state.tail, expected)
      await again.close()
    },
  },
  {
    name: 'remembers the hard state, who it is, and counts the starts',
    async run(medium) {
      const { state: first, storage } = await start(medium)
      const hardState = { term: 2 ** 40, votedFor: 6, clusterId: 'clüster' }
      await storage.persist({ hardState, entries: [] })
      const { state, storage: again } = await restart(medium, storage)
      assert.deepEqual(state.hardState, hardState)
      assert.deepEqual(state.identity, { ...first.identity, incarnation: 2 })
      const { state: third, storage: last } = await restart(medium, again)
      assert.deepEqual([third.hardState, third.identity.incarnation], [hardState, 3])
      await last.close()
    },
  },
  {
    name: 'truncates, and never shows again what was truncated',
    async run(medium) {
      const { storage } = await start(medium)
      await storage.persist({
        entries: [...range(1, 5, 1), entry(6, 2, { kind: 'view', text: 'old' }), ...range(7, 9, 2)],
      })
      await storage.persist({ truncateFrom: 6, entries: [] })
      assert.deepEqual(await storage.read(1, 100_000), range(1, 5, 1))
      await storage.persist({ truncateFrom: 4, entries: range(4, 4, 3) })
      await storage.persist({ truncateFrom: 99, entries: range(5, 5, 3) })
      const expected = [...range(1, 3, 1), ...range(4, 5, 3)]
      assert.deepEqual(await storage.read(1, 100_000), expected)
      const { state, storage: again } = await restart(medium, storage)
      assert.deepEqual(await again.read(1, 100_000), expected)
      assert.deepEqual([state.tail, state.views], [expected, []])
      assert.deepEqual(state.termStarts, [at(1, 1), at(4, 3)])
      await again.persist({ truncateFrom: 1, entries: [] })
      const { state: empty, storage: last } = await restart(medium, again)
      assert.deepEqual([empty.last, empty.termStarts], [nowhere, []])
      await last.close()
    },
  },
  {
    name: 'opens with a tail that is bounded, contiguous to the end, and not empty',
    async run(medium) {
      const { storage } = await start(medium)
      const entries = range(1, 30, 1)
      await storage.persist({ entries })
      await storage.close()
      const size = 64 + (entries[20]?.payload.length ?? 0)
      for (const [bytes, count] of [
        [5 * size, 5],
        [size - 1, 1],
        [0, 1],
      ] as const) {
        const next = medium.storage(1)
        const state = await next.open({ tailBytes: bytes })
        assert.deepEqual(state.tail, entries.slice(30 - count))
        await next.close()
      }
    },
  },
  {
    name: 'refuses entries that do not follow, and changes nothing',
    async run(medium) {
      const { storage } = await start(medium)
      await storage.persist({ entries: range(1, 3, 5) })
      await refuses('gap', storage.persist({ entries: range(5, 5, 5) }))
      await refuses('gap', storage.persist({ entries: range(3, 3, 5) }))
      await refuses('gap', storage.persist({ entries: range(4, 4, 4) }))
      await refuses('gap', storage.persist({ truncateFrom: 2, entries: range(3, 3, 5) }))
      await refuses('gap', storage.persist({ entries: [...range(4, 4, 5), ...range(6, 6, 5)] }))
      assert.deepEqual(await storage.read(1, 100_000), range(1, 3, 5))
      await storage.persist({ entries: range(4, 4, 5) })
      assert.deepEqual(await storage.read(1, 100_000), range(1, 4, 5))
      await storage.close()
    },
  },
  {
    name: 'has one user at a time, of one replica',
    async run(medium) {
      const { storage } = await start(medium)
      await refuses('locked', medium.storage(1).open({ tailBytes }))
      await storage.close()
      await refuses('other replica', medium.storage(2).open({ tailBytes }))
      const { state, storage: again } = await start(medium)
      assert.equal(state.identity.incarnation, 2)
      await again.close()
    },
  },
  {
    name: 'refuses everything when it is closed, and before it is open',
    async run(medium) {
      const before = medium.storage(1)
      await refuses('closed', before.persist({ entries: [] }))
      const { storage } = await start(medium)
      await refuses('invalid', storage.open({ tailBytes }))
      const last = storage.persist({ entries: range(1, 1, 1) })
      await Promise.all([storage.close(), storage.close()])
      await last
      await refuses('closed', storage.persist({ entries: [] }))
      await refuses('closed', storage.read(1, 1))
      await refuses('closed', storage.createSnapshot(snapshotAt(1, 1)))
      await refuses('closed', collect(storage, 0))
      await refuses('closed', storage.compact(1))
      await refuses('closed', storage.resetToSnapshot())
    },
  },
  {
    name: 'keeps a snapshot, whatever the chunks it came in, and gives it from any offset',
    async run(medium) {
      const { storage } = await start(medium)
      await storage.persist({ entries: range(1, 3, 1) })
      await refuses('no snapshot', collect(storage, 0))
      const bytes = pattern(700_001)
      await snapshot(storage, snapshotAt(2, 1), [
        bytes.subarray(0, 1),
        bytes.subarray(1, 1),
        bytes.subarray(1, 600_000),
        bytes.subarray(600_000),
      ])
      const { state, storage: again } = await restart(medium, storage)
      assert.deepEqual(state.snapshot, { ...snapshotAt(2, 1), bytes: bytes.length })
      assert.deepEqual(state.last, at(3, 1))
      for (const offset of [0, 1, 262_144, 300_000, 700_000, 700_001]) {
        assert.ok(
          Buffer.from(bytes.subarray(offset)).equals(await collect(again, offset)),
          `from offset ${offset}`,
        )
      }
      await again.close()
    },
  },
  {
    name: 'keeps an empty snapshot',
    async run(medium) {
      const { storage } = await start(medium)
      await storage.persist({ entries: range(1, 1, 1) })
      await snapshot(storage, snapshotAt(1, 1), [])
      const { state, storage: again } = await restart(medium, storage)
      assert.equal(state.snapshot?.bytes, 0)
      assert.equal((await collect(again, 0)).length, 0)
      await again.close()
    },
  },
  {
    name: 'does not count a snapshot before it is committed, and writes one at a time',
    async run(medium) {
      const { storage } = await start(medium)
      await storage.persist({ entries: range(1, 5, 1) })
      const aborted = await storage.createSnapshot(snapshotAt(1, 1))
      await aborted.write(pattern(10))
      await refuses('invalid', storage.createSnapshot(snapshotAt(2, 1)))
      await aborted.abort()
      await refuses('invalid', aborted.write(pattern(1)))
      await snapshot(storage, snapshotAt(3, 1), [pattern(20)])
      await refuses('invalid', storage.createSnapshot(snapshotAt(2, 1)))
      const unfinished = await storage.createSnapshot(snapshotAt(4, 1))
      await unfinished.write(pattern(30))
      assert.equal((await collect(storage, 0)).length, 20)
      const { state, storage: again } = await restart(medium, storage)
      assert.equal(state.snapshot?.index, 3)
      await snapshot(again, snapshotAt(4, 1), [pattern(40)])
      assert.equal((await collect(again, 0)).length, 40)
      await again.close()
    },
  },
  {
    name: 'goes on reading a snapshot while newer ones are committed',
    async run(medium) {
      const { storage } = await start(medium)
      await storage.persist({ entries: range(1, 9, 1) })
      const old = pattern(600_000)
      await snapshot(storage, snapshotAt(1, 1), [old])
      const parts: Uint8Array[] = []
      for await (const chunk of storage.readSnapshot(0)) {
        assert.ok(chunk.length <= 256 * 1024)
        parts.push(chunk)
        await snapshot(storage, snapshotAt(1 + parts.length, 1), [pattern(parts.length)])
      }
      assert.ok(Buffer.concat(parts).equals(old))
      assert.equal((await collect(storage, 0)).length, parts.length)
      await storage.close()
    },
  },
  {
    name: 'gives up old entries, none that a snapshot has not taken in',
    async run(medium) {
      const { storage } = await start(medium)
      for (let index = 1; index <= 100; index++)
        await storage.persist({ entries: [entry(index, 1, { text: 'x'.repeat(500) })] })
      await storage.compact(50)
      assert.equal((await storage.read(1, 1))[0]?.index, 1)
      await snapshot(storage, snapshotAt(60, 1), [pattern(5)])
      await snapshot(storage, snapshotAt(80, 1), [pattern(6)])
      await storage.compact(1000)
      assert.equal((await storage.read(81, 1))[0]?.index, 81)
      const { state, storage: again } = await restart(medium, storage)
      assert.ok(state.before.index <= 80)
      assert.deepEqual(state.last, at(100, 1))
      if (state.before.index > 0) {
        assert.equal(state.before.term, 1)
        assert.deepEqual(state.termStarts, [at(state.before.index + 1, 1)])
        await refuses('compacted', again.read(state.before.index, 1000))
        await refuses('compacted', again.persist({ truncateFrom: state.before.index, entries: [] }))
      }
      const rest = await again.read(state.before.index + 1, 1_000_000)
      assert.deepEqual([rest[0]?.index, rest.at(-1)?.index], [state.before.index + 1, 100])
      await again.close()
    },
  },
  {
    name: 'replaces the log by a snapshot that it does not lead to',
    async run(medium) {
      const { storage } = await start(medium)
      await storage.persist({ entries: [entry(1, 1, { kind: 'view', text: 'v' }), ...range(2, 10, 1)] })
      await snapshot(storage, snapshotAt(20, 3), [pattern(100)])
      await storage.resetToSnapshot()
      assert.deepEqual(await storage.read(21, 1000), [])
      await refuses('compacted', storage.read(20, 1000))
      await storage.persist({ entries: range(21, 22, 3) })
      assert.deepEqual(await storage.read(21, 1000), range(21, 22, 3))
      const { state, storage: again } = await restart(medium, storage)
      assert.deepEqual([state.before, state.last, state.views], [at(20, 3), at(22, 3), []])
      assert.deepEqual(state.tail, range(21, 22, 3))
      // The log has entry 22, but of another term: it is not the log that the snapshot is of.
      await snapshot(again, snapshotAt(22, 4), [pattern(100)])
      await again.resetToSnapshot()
      const { state: last, storage: third } = await restart(medium, again)
      assert.deepEqual([last.before, last.last, last.tail], [at(22, 4), at(22, 4), []])
      await third.close()
    },
  },
  {
    name: 'keeps the entries after a snapshot that the log leads to',
    async run(medium) {
      const { storage } = await start(medium)
      await storage.persist({ entries: range(1, 10, 2) })
      await snapshot(storage, snapshotAt(6, 2), [pattern(9)])
      await storage.resetToSnapshot()
      assert.deepEqual(await storage.read(7, 100_000), range(7, 10, 2))
      await storage.persist({ entries: range(11, 11, 2) })
      const { state, storage: again } = await restart(medium, storage)
      assert.deepEqual(state.last, at(11, 2))
      await again.close()
    },
  },
  {
    name: 'finishes at opening what was left between a committed snapshot and the reset',
    async run(medium) {
      const { storage } = await start(medium)
      await storage.persist({ entries: range(1, 10, 1) })
      await snapshot(storage, snapshotAt(8, 2), [pattern(9)])
      const { state, storage: again } = await restart(medium, storage)
      assert.deepEqual([state.snapshot?.index, state.before, state.last], [8, at(8, 2), at(8, 2)])
      await again.persist({ entries: range(9, 9, 2) })
      const { state: last, storage: third } = await restart(medium, again)
      assert.deepEqual(last.tail, range(9, 9, 2))
      await third.close()
    },
  },
  {
    name: 'tells its size',
    async run(medium) {
      const { storage } = await start(medium)
      const before = storage.size()
      await storage.persist({ entries: [entry(1, 1, { text: 'x'.repeat(2_000_000) })] })
      assert.ok(storage.size() >= before + 1_000_000)
      await storage.close()
    },
  },
  {
    name: 'has everything that was acknowledged after a crash',
    async run(medium) {
      if (!medium.crash) return
      const { storage } = await start(medium)
      await storage.persist({ hardState: { term: 4, votedFor: 2, clusterId: 'c' }, entries: range(1, 10, 4) })
      await snapshot(storage, snapshotAt(5, 4), [pattern(1000)])
      await storage.persist({ truncateFrom: 8, entries: range(8, 9, 5) })
      void storage.persist({ entries: range(10, 12, 5) }).catch(() => undefined)
      medium.crash()
      const { state, storage: again } = await start(medium)
      assert.equal(state.identity.incarnation, 2)
      assert.deepEqual(state.hardState, { term: 4, votedFor: 2, clusterId: 'c' })
      assert.equal(state.snapshot?.index, 5)
      const kept = [...range(1, 7, 4), ...range(8, 9, 5)]
      assert.deepEqual((await again.read(1, 100_000)).slice(0, 9), kept)
      await again.close()
    },
  },
]

const nowhere = { index: 0, term: 0 }

function at(index: number, term: number): { index: number; term: number } {
  return { index, term }
}

function entry(index: number, term: number, rest: { kind?: EntryKind; time?: number; text: string }): Entry {
  const { kind = 'command', time = 1000 + index, text } = rest
  return { index, term, time, kind, payload: new TextEncoder().encode(text) }
}

function range(first: number, last: number, term: number): Entry[] {
  return Array.from({ length: last - first + 1 }, (_, count) =>
    entry(first + count, term, { text: `entry ${String(first + count).padStart(4, '0')}` }),
  )
}

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, place) => (place * 7 + (place >> 8)) & 0xff)
}

function snapshotAt(index: number, term: number): Omit<SnapshotInfo, 'bytes'> {
  return {
    index,
    term,
    time: 5000.5,
    view: new TextEncoder().encode(`view ${index}`),
    viewPosition: at(1, 1),
  }
}

async function start(medium: StorageMedium): Promise<{ storage: Storage; state: StoredState }> {
  const storage = medium.storage(1)
  return { storage, state: await storage.open({ tailBytes }) }
}

async function restart(
  medium: StorageMedium,
  storage: Storage,
): Promise<{ storage: Storage; state: StoredState }> {
  await storage.close()
  return start(medium)
}

async function snapshot(
  storage: Storage,
  info: Omit<SnapshotInfo, 'bytes'>,
  chunks: Uint8Array[],
): Promise<void> {
  const writer = await storage.createSnapshot(info)
  for (const chunk of chunks) await writer.write(chunk)
  await writer.commit()
}

async function collect(storage: Storage, offset: number): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of storage.readSnapshot(offset)) parts.push(part)
  return Buffer.concat(parts)
}

async function refuses(code: StorageErrorCode, call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error: unknown) => {
    assert.ok(error instanceof StorageError, `${String(error)} is not a StorageError`)
    assert.equal(error.code, code, error.message)
    return true
  })
}

async function* textsOf(...texts: readonly string[]): AsyncGenerator<Uint8Array, void, void> {
  for (const text of texts) yield new TextEncoder().encode(text)
}

import { expect, it } from 'vitest'
import { type FlushOutcome, MemoryDisk } from '../src/index.ts'
import { command, snapshotAt } from './sample.ts'

type Done = (outcome?: FlushOutcome) => void

const open = { tailBytes: 1_000_000 }

it('becomes durable when its owner says so, what comes meanwhile as one group', async () => {
  const flushes: { bytes: number; done: Done }[] = []
  const disk = new MemoryDisk({ complete: (bytes, done) => flushes.push({ bytes, done }) })
  const storage = disk.open(1)
  await storage.open(open)
  const order: number[] = []
  const note = (index: number): Promise<void> =>
    storage.persist({ entries: [command(index, 1, 10)] }).then(() => void order.push(index))
  const first = note(1)
  await Promise.resolve()
  const rest = [note(2), note(3)]
  expect(flushes).toHaveLength(1)
  expect(await storage.read(1, 1000)).toEqual([])
  flushes[0]?.done()
  await first
  expect(order).toEqual([1])
  expect(await storage.read(1, 1000)).toHaveLength(1)
  expect(flushes).toHaveLength(2)
  flushes[1]?.done()
  flushes[1]?.done('failed')
  await Promise.all(rest)
  expect(order).toEqual([1, 2, 3])
})

it.each([0, 1, 2, 3, 4, 9])('keeps %i steps of what a crash interrupted', async (kept) => {
  let stop = false
  const disk = new MemoryDisk({ complete: (_bytes, done) => (stop ? undefined : done()) })
  const storage = disk.open(1)
  await storage.open(open)
  await storage.persist({ entries: [command(1, 1, 1), command(2, 1, 1)] })
  stop = true
  void storage.persist({
    hardState: { term: 2, votedFor: 1, clusterId: '' },
    truncateFrom: 2,
    entries: [command(2, 2, 1), command(3, 2, 1)],
  })
  await Promise.resolve()
  void storage.persist({ entries: [command(4, 2, 1)] })
  let steps = 0
  disk.crash({
    keepUnsynced: (count) => {
      steps = count
      return kept
    },
  })
  expect(steps).toBe(4)
  stop = false
  const state = await disk.open(1).open(open)
  expect(state.identity.incarnation).toBe(2)
  const seen = [state.hardState.term, ...state.tail.map((entry) => `${entry.index}.${entry.term}`)]
  expect(seen).toEqual(
    [
      [0, '1.1', '2.1'],
      [2, '1.1', '2.1'],
      [2, '1.1'],
      [2, '1.1', '2.2'],
      [2, '1.1', '2.2', '3.2'],
    ][Math.min(kept, 4)],
  )
})

it('loses a snapshot that was not committed, keeps one that was', async () => {
  let stop = false
  const disk = new MemoryDisk({ complete: (_bytes, done) => (stop ? undefined : done()) })
  const storage = disk.open(1)
  await storage.open(open)
  await storage.persist({ entries: [command(1, 1, 1), command(2, 1, 1)] })
  await (await storage.createSnapshot(snapshotAt(1, 1))).commit()
  stop = true
  void (await storage.createSnapshot(snapshotAt(2, 1))).commit()
  await Promise.resolve()
  await Promise.resolve()
  disk.crash({ keepUnsynced: () => 0 })
  stop = false
  expect((await disk.open(1).open(open)).snapshot?.index).toBe(1)
})

it.each([true, false])('a crash may keep the name of a snapshot by itself: %s', async (kept) => {
  let stop = false
  const disk = new MemoryDisk({ complete: (_bytes, done) => (stop ? undefined : done()) })
  const storage = disk.open(1)
  await storage.open(open)
  await storage.persist({ entries: [command(1, 1, 1)] })
  stop = true
  void (await storage.createSnapshot(snapshotAt(1, 1))).commit()
  void storage.persist({ entries: [command(2, 1, 1)] })
  await Promise.resolve()
  await Promise.resolve()
  const asked: number[] = []
  disk.crash({
    keepUnsynced: (steps) => {
      asked.push(steps)
      return kept ? 0 : steps
    },
    keepName: () => kept,
  })
  stop = false
  const { snapshot, last } = await disk.open(1).open(open)
  expect({ asked, snapshot: snapshot?.index, last: last.index }).toEqual(
    kept ? { asked: [1], snapshot: 1, last: 1 } : { asked: [1], snapshot: undefined, last: 2 },
  )
})

it('is full at its capacity: refuses entries and what was to follow, takes hard states', async () => {
  const disk = new MemoryDisk({ capacityBytes: 400 })
  const storage = disk.open(1)
  await storage.open(open)
  await storage.persist({ entries: [command(1, 1, 100)] })
  const refused = [
    storage.persist({ entries: [command(2, 1, 300)] }),
    storage.persist({ entries: [command(3, 1, 1)] }),
  ]
  const hardState = { term: 5, votedFor: null, clusterId: '' }
  const kept = storage.persist({ hardState, entries: [] })
  for (const each of await Promise.allSettled(refused))
    expect(each).toMatchObject({ reason: { code: 'full' } })
  await kept
  await expect(storage.persist({ entries: [command(4, 1, 1)] })).rejects.toMatchObject({ code: 'full' })
  disk.capacityBytes = 4000
  await storage.persist({ entries: [command(2, 1, 300)] })
  expect(storage.size()).toBe(528)
  await storage.close()
  expect(await disk.open(1).open(open)).toMatchObject({ hardState, last: { index: 2 } })
})

it('refuses everything after a flush that failed', async () => {
  const disk = new MemoryDisk({ complete: (_bytes, done) => done('failed') })
  const storage = disk.open(1)
  await storage.open(open)
  await expect(storage.persist({ entries: [command(1, 1, 1)] })).rejects.toMatchObject({ code: 'failed' })
  await expect(storage.persist({ entries: [] })).rejects.toMatchObject({ code: 'failed' })
  await expect(storage.read(1, 1)).rejects.toMatchObject({ code: 'failed' })
  await storage.close()
})

it('does not serve an entry that is damaged', async () => {
  const disk = new MemoryDisk({ disk: 'a' })
  const storage = disk.open(1)
  await storage.open(open)
  await storage.persist({ entries: [command(1, 1, 1), command(2, 1, 1), command(3, 1, 1)] })
  disk.damage(2)
  expect(await storage.read(1, 1000)).toHaveLength(1)
  await expect(storage.read(2, 1000)).rejects.toMatchObject({ code: 'corrupt', damage: { from: 2, to: 2 } })
  await storage.close()
  await expect(disk.open(1).open(open)).rejects.toMatchObject({ code: 'corrupt' })
})

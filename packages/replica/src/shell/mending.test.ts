import { type Entry, MemoryDisk, StorageError } from '@chatroom/replication-log'
import { describe, expect, it } from 'vitest'
import type { EntryRequest, EntrySource } from '../ports/entry-source.ts'
import { VirtualClock } from '../testing/index.ts'
import { type MendingEvent, openWhole } from './mending.ts'

const entries: Entry[] = Array.from({ length: 9 }, (_, at) => ({
  index: at + 1,
  term: 1,
  time: at,
  kind: 'command',
  payload: new Uint8Array([at]),
}))

async function diskWith(damaged: readonly number[]): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  const storage = disk.open(0)
  await storage.open({ tailBytes: 0 })
  await storage.persist({ hardState: { term: 1, votedFor: null, clusterId: 'c' }, entries })
  await storage.close()
  for (const index of damaged) disk.damage(index)
  return disk
}

/** A replica that has `kept`. `failures`: of so many calls first, it cannot be reached. */
function source(
  name: string,
  kept: readonly Entry[],
  failures = 0,
): EntrySource & { readonly asked: EntryRequest[] } {
  const asked: EntryRequest[] = []
  return {
    name,
    asked,
    fetch: async (request) => {
      asked.push(request)
      if (asked.length <= failures) throw new Error(`nobody listens on ${name}`)
      const { from, to } = request
      return {
        clusterId: 'c',
        holder: { id: 1, disk: 'one', term: 1, leads: false, admitted: false, lastIndex: 9 },
        entries:
          kept[0] !== undefined && from < kept[0].index
            ? []
            : kept.filter(({ index }) => index >= from && index <= (to ?? index)),
      }
    },
  }
}

/** The same, with what it answers when it is asked for a snapshot, one answer after the other. */
function withSnapshot(
  plain: EntrySource,
  answers: ({ readonly index: number; readonly term: number } | 'silent' | 'breaks off' | null)[],
): EntrySource {
  return {
    ...plain,
    snapshot: async () => {
      const answer = answers.shift()
      if (answer === undefined || answer === 'silent') throw new Error('nobody listens')
      if (answer === null) return null
      const breaks = answer === 'breaks off'
      async function* chunks(): AsyncGenerator<Uint8Array, void, void> {
        yield new Uint8Array(5)
        if (breaks) throw new Error('the line was cut')
      }
      const position = breaks ? { index: 20, term: 3 } : answer
      const view = { view: new Uint8Array(0), viewPosition: { index: 0, term: 0 } }
      return { clusterId: 'c', info: { ...position, time: 0, ...view }, chunks: chunks() }
    },
  }
}

/** Opens a disk; time passes whenever nothing else happens. */
async function open(
  disk: MemoryDisk,
  sources: readonly EntrySource[],
  stop: AbortSignal = new AbortController().signal,
): Promise<{ readonly events: MendingEvent[]; readonly error: unknown; readonly lastIndex: number | null }> {
  const clock = new VirtualClock()
  const events: MendingEvent[] = []
  const storage = disk.open(0)
  let done = false
  const opening = openWhole({
    id: 0,
    storage,
    mode: 'majority',
    sources,
    clock,
    withinMs: 5_000,
    tailBytes: 0,
    signal: stop,
    emit: (event) => events.push(event),
  }).finally(() => {
    done = true
  })
  const settled = opening.then(
    (stored) => ({ events, error: null, lastIndex: stored.last.index }),
    (error: unknown) => ({ events, error, lastIndex: null }),
  )
  while (!done) {
    for (let turn = 0; turn < 50 && !done; turn++) await Promise.resolve()
    if (!done) clock.advance(500)
  }
  await storage.close()
  return await settled
}

function wordsOf(error: unknown): string {
  return error instanceof StorageError && error.code === 'corrupt' ? error.message : 'no such error'
}

describe('opening a damaged storage', () => {
  it('mends each damage with the entries of another replica, and says so', async () => {
    const disk = await diskWith([3, 7])
    const other = source('replica 1', entries)
    const { events, lastIndex } = await open(disk, [other])
    expect(lastIndex).toBe(9)
    expect(other.asked).toEqual([
      { from: 2, to: 3 },
      { from: 6, to: 7 },
    ])
    expect(events.map(({ type }) => type)).toEqual([
      'damage found',
      'damage mended',
      'damage found',
      'damage mended',
    ])
    expect(events[1]?.words).toBe('mended with entry 3 from replica 1')
    expect((await open(disk, [])).events).toEqual([])
  })

  it('asks the next one if the first does not have them, or has others', async () => {
    const wrong = entries.map((entry) => ({ ...entry, term: 9 }))
    const sources = [source('replica 1', []), source('replica 2', wrong), source('replica 3', entries)]
    const { events } = await open(await diskWith([5]), sources)
    expect(events.at(-1)?.words).toBe('mended with entry 5 from replica 3')
  })

  it('takes them from one that has given up the entry before', async () => {
    const { lastIndex } = await open(await diskWith([5]), [source('replica 1', entries.slice(4))])
    expect(lastIndex).toBe(9)
  })

  it('waits for one that cannot be reached, and says for what', async () => {
    const { events, lastIndex } = await open(await diskWith([5]), [
      source('replica 1', []),
      source('replica 2', entries, 3),
    ])
    expect(lastIndex).toBe(9)
    const waits = events.filter(({ type }) => type === 'damage waits')
    expect(waits.map(({ words }) => words)).toEqual([
      'waits for entry 5: no answer from replica 2 (nobody listens on replica 2)',
    ])
  })

  it('does not wait for ever: it fails, names the index, and has used no incarnation', async () => {
    const disk = await diskWith([5])
    const { error } = await open(disk, [
      source('replica 1', entries.slice(6)),
      source('replica 2', [], 1_000),
    ])
    expect(wordsOf(error)).toMatch(
      /^entry 5 is damaged.*replica 1 does not have them; no answer from replica 2 .* within 5000 ms.*empty directory, after `chatctl recover --without` its id/,
    )
    await open(disk, [source('replica 1', entries)])
    const storage = disk.open(0)
    expect((await storage.open({ tailBytes: 0 })).identity.incarnation).toBe(3)
  })

  it('fails at once when all have answered', async () => {
    const { error, events } = await open(await diskWith([5]), [
      source('replica 1', []),
      source('replica 2', []),
    ])
    expect(wordsOf(error)).toContain('replica 1 does not have them, replica 2 does not have them')
    expect(events.map(({ type }) => type)).toEqual(['damage found'])
  })

  it('gives up what a snapshot has if nobody has it', async () => {
    const disk = await diskWith([])
    const storage = disk.open(0)
    await storage.open({ tailBytes: 0 })
    const view = { view: new Uint8Array(0), viewPosition: { index: 0, term: 0 } }
    await (await storage.createSnapshot({ index: 6, term: 1, time: 0, ...view })).commit()
    await storage.close()
    disk.damage(5)
    const { events, lastIndex } = await open(disk, [source('replica 1', [])])
    expect(lastIndex).toBe(9)
    expect(events.at(-1)?.words).toBe('gave up entry 5, which the snapshot has')
  })

  it('takes a snapshot of another where nobody has the entries any more', async () => {
    const tooOld = withSnapshot(source('replica 1', []), [{ index: 4, term: 1 }])
    const other = withSnapshot(source('replica 2', []), [{ index: 7, term: 1 }])
    const { events, lastIndex, error } = await open(await diskWith([5]), [tooOld, other])
    expect([error, lastIndex]).toEqual([null, 9])
    expect(events.at(-1)?.words).toBe('mended with a snapshot of replica 2')
  })

  it('asks again for a snapshot that broke off or did not come, and says why there is none', async () => {
    const other = withSnapshot(source('replica 1', []), ['silent', 'breaks off', { index: 20, term: 3 }])
    const { events, lastIndex } = await open(await diskWith([5]), [other])
    expect(lastIndex).toBe(20)
    expect(events.filter(({ type }) => type === 'damage waits').map(({ words }) => words)).toEqual([
      'waits for entry 5: no answer from replica 1 (nobody listens)',
      'waits for entry 5: no answer from replica 1 (the line was cut)',
    ])
    const none = withSnapshot(source('replica 1', []), [null])
    const old = withSnapshot(source('replica 2', []), [{ index: 4, term: 1 }])
    expect(wordsOf((await open(await diskWith([5]), [none, old])).error)).toMatch(
      /^entry 5 is damaged.*; replica 1 has applied nothing yet, replica 2 has a snapshot at entry 4, which does not have them; this replica does not start/,
    )
  })

  it('ends the wait when the replica is stopped', async () => {
    const stop = new AbortController()
    const silent: EntrySource = {
      name: 'replica 1',
      fetch: () => {
        stop.abort()
        return Promise.reject(new Error('nobody listens'))
      },
    }
    expect((await open(await diskWith([5]), [silent], stop.signal)).error).toMatchObject({ code: 'stopped' })
  })

  it('does not try for ever on a disk that forgets what was mended', async () => {
    const disk = await diskWith([5])
    const forgetful = source('replica 1', entries)
    const storage = disk.open(0)
    const mend = storage.mend.bind(storage)
    storage.mend = async (...call) => {
      const done = await mend(...call)
      if (done) disk.damage(5)
      return done
    }
    const opening = openWhole({
      id: 0,
      storage,
      mode: 'majority',
      sources: [forgetful],
      clock: new VirtualClock(),
      withinMs: 0,
      tailBytes: 0,
      signal: new AbortController().signal,
      emit: () => undefined,
    })
    await expect(opening).rejects.toMatchObject({ code: 'corrupt' })
    expect(forgetful.asked).toHaveLength(1)
  })
})

import { MemoryDisk, ReplicatedLog, type Storage } from '@chatroom/replication-log'
import { describe, expect, it } from 'vitest'
import { commands, OneCore } from '../../test/one-core.ts'
import type { Event } from '../core/events.ts'
import { defineStateMachine, jsonCodec } from '../index.ts'
import { VirtualClock } from '../testing/index.ts'
import { Applier } from './applier.ts'
import { Persister } from './persister.ts'
import { Snapshotter } from './snapshotter.ts'

const [A, B] = [0, 1].map((id) => ({ id, disk: `disk ${id}`, incarnation: 1 }))

/** A follower's snapshots, and what it answers to the parts that leaders give it. */
async function follower(): Promise<{
  readonly storage: Storage
  /** What it says to who wants a snapshot of its own state. */
  readonly save: () => Promise<unknown>
  readonly give: (from: typeof A, text: string, offset: number, bytes: number) => Promise<Event>
}> {
  const storage = new MemoryDisk().open(2)
  await storage.open({ tailBytes: 0 })
  const clock = new VirtualClock()
  const answers: ((event: Event) => void)[] = []
  const failed = (error: unknown): void => {
    throw error
  }
  const machine = defineStateMachine<{ text: string }, string, string>({
    command: jsonCodec(String),
    state: jsonCodec((value) => ({ text: JSON.stringify(value) })),
    initial: () => ({ text: '' }),
    apply: (_, command) => command,
  })
  const nothing = (): void => undefined
  const persister = new Persister(storage, clock, { persisted: nothing, failed, full: nothing })
  const entries = commands(1, 1, 1)
  const log = new ReplicatedLog()
  const { core } = new OneCore({ entries })
  const snapshotter = new Snapshotter({
    machine,
    storage,
    persister,
    applier: new Applier(machine, storage, clock, () => log, entries.length, {
      replied: nothing,
      applied: nothing,
      failed,
    }),
    clock,
    observer: undefined,
    newest: null,
    dispatch: (event) => answers.shift()?.(event),
    failed,
    emit: nothing,
  })
  const snapshot = { index: 50, term: 4 }
  const view = { members: [], learners: [], clusterId: 'c', index: 1, term: 1 }
  return {
    storage,
    save: () => snapshotter.save(core),
    give: (from, text, offset, bytes) =>
      new Promise((resolve) => {
        if (from === undefined) throw new Error('nobody gives it')
        answers.push(resolve)
        const all = new TextEncoder().encode(text)
        const data = all.subarray(offset, offset + bytes)
        const part = { snapshot, view, time: 9, offset, data, total: all.length }
        snapshotter.write({ type: 'writeSnapshot', from, ...part })
      }),
  }
}

async function textOf(storage: Storage): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const part of storage.readSnapshot(0)) parts.push(part)
  return Buffer.concat(parts).toString()
}

describe('parts of a snapshot', () => {
  it('come before a snapshot of the own state, from the first on: the storage takes one at a time', async () => {
    const { storage, give, save } = await follower()
    const first = give(A, '"abcdef"', 0, 4)
    await expect(save()).rejects.toMatchObject({ code: 'not ready' })
    expect(await first).toMatchObject({ offset: 4, installed: false })
    await expect(save()).rejects.toMatchObject({ code: 'not ready' })
    expect(await give(A, '"abcdef"', 4, 4)).toMatchObject({ offset: 8, installed: true })
    expect(await textOf(storage)).toBe('"abcdef"')
  })

  it('of one leader are put together', async () => {
    const { storage, give } = await follower()
    expect(await give(A, '"abcdef"', 0, 4)).toMatchObject({ offset: 4, installed: false })
    expect(await give(A, '"abcdef"', 0, 4)).toMatchObject({ offset: 4, installed: false })
    expect(await give(A, '"abcdef"', 4, 4)).toMatchObject({ offset: 8, installed: true })
    expect(await textOf(storage)).toBe('"abcdef"')
  })

  it('of two leaders are not, though both are of the same entry: the same state may stand in them in another order', async () => {
    for (const later of ['"defabc"', '"defabcdefabc"']) {
      const { storage, give } = await follower()
      expect(await give(A, '"abcdef"', 0, 4)).toMatchObject({ offset: 4 })
      // It has nothing of this one: from the beginning.
      expect(await give(B, later, 4, 4)).toMatchObject({ offset: 0, installed: false })
      expect(await give(B, later, 0, 4)).toMatchObject({ offset: 4, installed: false })
      expect(await give(B, later, 4, 20)).toMatchObject({ offset: later.length, installed: true })
      expect(await textOf(storage)).toBe(later)
    }
  })
})

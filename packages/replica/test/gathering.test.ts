import { MemoryDisk, type Storage } from '@chatroom/replication-log'
import { describe, expect, it } from 'vitest'
import { type Clock, createReplica, defineStateMachine, jsonCodec, systemClock } from '../src/index.ts'
import { MemoryNetwork } from '../src/testing/index.ts'

const gatherMs = 7

function whole(value: unknown): number {
  if (typeof value !== 'number') throw new TypeError('no number')
  return value
}

const sums = () =>
  defineStateMachine<{ total: number }, number, number>({
    command: jsonCodec(whole),
    state: jsonCodec((value) => ({ total: whole(Reflect.get(Object(value), 'total')) })),
    initial: () => ({ total: 0 }),
    apply: (state, add) => {
      state.total += add
      return state.total
    },
  })

/** Its disk writes nothing while it is held. */
class HeldDisk {
  readonly storage: Storage
  #isHeld = false
  #waiting: (() => void)[] = []

  constructor(storage: Storage) {
    const persist: Storage['persist'] = async (batch) => {
      if (this.#isHeld) await new Promise<void>((resolve) => this.#waiting.push(resolve))
      await storage.persist(batch)
    }
    this.storage = new Proxy(storage, {
      get: (_, name): unknown => {
        if (name === 'persist') return persist
        const member: unknown = Reflect.get(storage, name)
        return typeof member === 'function'
          ? (...args: unknown[]): unknown => Reflect.apply(member, storage, args)
          : member
      },
    })
  }

  hold(): void {
    this.#isHeld = true
  }

  letGo(): void {
    this.#isHeld = false
    for (const go of this.#waiting.splice(0)) go()
  }
}

/** One replica that leads; two commands in its log are many. `ends`: where its log ended, whenever that changed. */
async function leader() {
  const waits: (() => void)[] = []
  const clock: Clock = {
    ...systemClock,
    after(ms, run) {
      if (ms !== gatherMs) return systemClock.after(ms, run)
      waits.push(run)
      return () => void waits.splice(waits.indexOf(run), 1)
    },
  }
  const disk = new HeldDisk(new MemoryDisk().open(0))
  const ends: number[] = []
  const replica = createReplica({
    id: 0,
    members: [0],
    mode: 'fail-stop',
    stateMachine: sums(),
    storage: disk.storage,
    transport: new MemoryNetwork().transport({ id: 0, listen: 'here', peers: new Map() }),
    clock,
    limits: { gatherBeyond: 2, gatherMs },
    recorder: ({ last }) => {
      if (last.index !== ends.at(-1)) ends.push(last.index)
    },
  })
  const serves = new Promise<void>((resolve) => {
    replica.on((event) => {
      if (event.type === 'view' && event.inForce) resolve()
    })
  })
  await replica.start()
  await serves
  expect(await replica.propose(1)).toBe(1)
  const [first = 0] = ends.splice(0).slice(-1)
  disk.hold()
  return { replica, disk, waits, grown: () => ends.map((end) => end - first) }
}

/** So that what was proposed in one turn is one batch. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Two are in the log, which are many, and a third waits. */
async function crowd(replica: { propose(command: number): Promise<number> }): Promise<Promise<number>[]> {
  const replies = [replica.propose(1), replica.propose(1)]
  await turns()
  replies.push(replica.propose(1))
  await turns()
  return replies
}

describe('commands that come while others are in the log', () => {
  it('follow at once while those are few, and gather while they are many until these are applied', async () => {
    const { replica, disk, waits, grown } = await leader()
    const replies = [replica.propose(1)]
    await turns()
    replies.push(replica.propose(1))
    await turns()
    expect(grown()).toEqual([1, 2])
    replies.push(replica.propose(1))
    await turns()
    replies.push(replica.propose(1))
    await turns()
    expect(grown()).toEqual([1, 2])
    expect(waits).toHaveLength(1)
    disk.letGo()
    expect(await Promise.all(replies)).toEqual([2, 3, 4, 5])
    expect(grown()).toEqual([1, 2, 4])
    expect(waits).toHaveLength(0)
    await replica.stop()
  })

  it('wait for them no longer than the limit', async () => {
    const { replica, disk, waits, grown } = await leader()
    const replies = await crowd(replica)
    expect(grown()).toEqual([2])
    waits[0]?.()
    expect(grown()).toEqual([2, 3])
    expect(waits).toHaveLength(0)
    replies.push(replica.propose(1))
    await turns()
    expect(grown()).toEqual([2, 3])
    expect(waits).toHaveLength(1)
    disk.letGo()
    expect(await Promise.all(replies)).toEqual([2, 3, 4, 5])
    await replica.stop()
  })

  it('are told of its end like the others, and nothing is left to wait for', async () => {
    const { replica, disk, waits } = await leader()
    const replies = await crowd(replica)
    expect(waits).toHaveLength(1)
    const told = Promise.allSettled(replies)
    disk.letGo()
    const stopped = replica.stop()
    expect(waits).toHaveLength(0)
    expect((await told).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    await stopped
  })
})

import type { Storage } from '@chatroom/replication-log'
import { openFileStorage } from '@chatroom/replication-log/file'
import { FaultFileSystem } from '@chatroom/replication-log/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  createReplica,
  defineStateMachine,
  jsonCodec,
  type Replica,
  type ReplicaEvent,
  type SavedSnapshot,
} from '../src/index.ts'
import { MemoryNetwork } from '../src/testing/index.ts'

// What a running replica does with its snapshots when it is asked for one, and when a disk turns out to have lost one.

const texts = () =>
  defineStateMachine<string[], string, number>({
    command: jsonCodec(String),
    state: jsonCodec((value) => (Array.isArray(value) ? value.map(String) : [])),
    initial: () => [],
    apply: (state, text) => state.push(text),
  })
type Texts = Replica<string, number, ReturnType<typeof texts>>

function start(
  id: number,
  members: readonly number[],
  storage: Storage,
  network: MemoryNetwork,
  more: { readonly cacheBytes?: number } = {},
): Texts {
  const replica: Texts = createReplica({
    id,
    members,
    mode: 'majority',
    stateMachine: texts(),
    storage,
    transport: network.transport({
      id,
      listen: `r${id}`,
      peers: new Map(members.map((each) => [each, `r${each}`])),
    }),
    limits: { compactMarginEntries: 0, ...more },
  })
  onTestFinished(() => replica.stop())
  return replica
}

function disk(fileSystem: FaultFileSystem, replicaId = 0): Storage {
  return openFileStorage({
    directory: '/data',
    replicaId,
    segmentBytes: 4096,
    preallocateBytes: 0,
    fileSystem,
  })
}

async function heard(replica: Texts, wanted: (event: ReplicaEvent) => boolean): Promise<void> {
  await new Promise<void>((resolve) => {
    const off = replica.on((event) => {
      if (!wanted(event)) return
      off()
      resolve()
    })
  })
}

/** Alone, and serving. */
async function alone(fileSystem: FaultFileSystem): Promise<Texts> {
  const replica = start(0, [0], disk(fileSystem), new MemoryNetwork())
  const leads = heard(replica, (event) => event.type === 'role' && event.role === 'leader')
  await replica.start()
  await leads
  while (!replica.status().serving) await heard(replica, () => true)
  return replica
}

async function stateIn(saved: SavedSnapshot | null): Promise<unknown> {
  const machine = texts()
  const sink = machine.restore()
  for await (const chunk of saved?.chunks ?? []) sink.write(chunk)
  sink.finish()
  return machine.state
}

function newestFile(fileSystem: FaultFileSystem): string {
  const files = [...fileSystem.image('durable').keys()].filter((path) => path.endsWith('.snap')).sort()
  return files.at(-1) ?? ''
}

describe('a replica that is asked for a snapshot', () => {
  it('gives all that it has applied, and the same again if nothing came since', async () => {
    const replica = await alone(new FaultFileSystem())
    await replica.propose('one')
    const { appliedIndex } = replica.status()
    const [first, second] = await Promise.all([replica.snapshot(), replica.snapshot()])
    expect(first?.info).toEqual(second?.info)
    expect(first?.clusterId).toBe(replica.status().clusterId)
    expect(first?.info.index).toBeGreaterThanOrEqual(appliedIndex)
    await replica.propose('two')
    const later = await replica.snapshot()
    expect(await stateIn(later)).toEqual(['one', 'two'])
    // Those of before stay readable.
    expect(await stateIn(first)).toEqual(['one'])
    expect(replica.status().snapshotIndex).toBe(later?.info.index)
  })

  it('says that there is no room for one, and stays as it is', async () => {
    const fileSystem = new FaultFileSystem()
    const replica = await alone(fileSystem)
    await replica.propose('x'.repeat(1_000))
    fileSystem.capacityBytes = [...fileSystem.image('written').values()].reduce(
      (sum, { length }) => sum + length,
      200,
    )
    await expect(replica.snapshot()).rejects.toMatchObject({ code: 'storage full' })
    fileSystem.capacityBytes = Number.POSITIVE_INFINITY
    expect(await stateIn(await replica.snapshot())).toHaveLength(1)
  })

  it('has taken another in place of one that the disk has lost', async () => {
    const fileSystem = new FaultFileSystem()
    const replica = await alone(fileSystem)
    await replica.propose('x'.repeat(1_000))
    await replica.snapshot()
    fileSystem.flip(newestFile(fileSystem), 600)
    const events: ReplicaEvent[] = []
    replica.on((event) => events.push(event))
    expect(await stateIn(await replica.snapshot())).toHaveLength(1)
    expect(events.map(({ type }) => type)).toEqual(['damage found', 'damage mended'])
    await replica.propose('more')
    expect(replica.status().serving).toBe(true)
  })
})

/** Three replicas on these disks, of which two run. */
async function twoOfThree(
  fileSystems: readonly FaultFileSystem[],
): Promise<{ readonly replicas: readonly Texts[]; readonly leader: Texts; readonly third: Texts }> {
  const network = new MemoryNetwork()
  const replicas = fileSystems.map((fileSystem, id) =>
    start(id, [0, 1, 2], disk(fileSystem, id), network, { cacheBytes: 0 }),
  )
  const third = replicas[2]
  if (third === undefined) throw new Error('there are three')
  const leads = Promise.race(
    replicas.slice(0, 2).map(async (replica) => {
      await heard(replica, (event) => event.type === 'role' && event.role === 'leader')
      while (!replica.status().serving) await heard(replica, () => true)
      return replica
    }),
  )
  for (const replica of replicas.slice(0, 2)) await replica.start()
  return { replicas, leader: await leads, third }
}

function diskOf(replica: Texts, fileSystems: readonly FaultFileSystem[]): FaultFileSystem {
  const found = fileSystems[replica.id]
  if (found === undefined) throw new Error('every replica has a disk')
  return found
}

describe('a replica that starts again', () => {
  it('replays no more than came since its last snapshot, however long its history is, and its disk does not grow', async () => {
    const fileSystem = new FaultFileSystem()
    let applied = 0
    const counting = (): ReturnType<typeof texts> => {
      const machine = defineStateMachine<string[], string, number>({
        command: jsonCodec(String),
        state: jsonCodec((value) => (Array.isArray(value) ? value.map(String) : [])),
        initial: () => [],
        apply: (state, text) => {
          applied++
          return state.splice(0, 1, text).length
        },
      })
      return machine
    }
    const interval = 20_000
    const startOver = async (): Promise<Texts> => {
      const replica: Texts = createReplica({
        id: 0,
        members: [0],
        mode: 'fail-stop',
        stateMachine: counting(),
        storage: disk(fileSystem),
        transport: new MemoryNetwork().transport({ id: 0, listen: 'here', peers: new Map() }),
        snapshotEveryBytes: interval,
        limits: { compactMarginEntries: 0 },
      })
      await replica.start()
      while (!replica.status().serving) await heard(replica, () => true)
      return replica
    }
    const bytes = (): number =>
      [...fileSystem.image('durable').values()].reduce((sum, { length }) => sum + length, 0)
    const text = 'x'.repeat(1_000)
    const sizes: number[] = []
    for (const commands of [100, 100, 800]) {
      const replica = await startOver()
      for (let n = 0; n < commands; n++) await replica.propose(text)
      await replica.stop()
      sizes.push(bytes())
      applied = 0
      const again = await startOver()
      // Commands that came while a snapshot was written count for the next one.
      expect(applied).toBeLessThan((2 * interval) / text.length)
      await again.stop()
    }
    // Two intervals of log, two snapshots, and a segment that is not full.
    for (const size of sizes) expect(size).toBeLessThan(4 * interval)
  })
})

describe('a leader', () => {
  it('whose snapshot is damaged takes another for the follower that needs it', async () => {
    const fileSystems = [0, 1, 2].map(() => new FaultFileSystem())
    const { leader, third } = await twoOfThree(fileSystems)
    for (const text of ['one', 'two', 'three']) {
      for (let n = 0; n < 5; n++) await leader.propose(text.repeat(300))
      await leader.snapshot()
    }
    const files = diskOf(leader, fileSystems)
    files.flip(newestFile(files), 600)
    const mended = heard(leader, ({ type }) => type === 'damage mended')
    await third.start()
    await mended
    while (third.stateMachine.state.length < 15) await new Promise(setImmediate)
    expect(third.stateMachine.state).toEqual(leader.stateMachine.state)
    expect(third.status().snapshotIndex).toBeGreaterThan(15)
  })

  it('whose log is damaged under it stops and says so, when a follower needs what is lost', async () => {
    const fileSystems = [0, 1, 2].map(() => new FaultFileSystem())
    const before = await twoOfThree(fileSystems)
    for (let n = 0; n < 9; n++) await before.leader.propose('x'.repeat(1_000))
    for (const replica of before.replicas) await replica.stop()
    // After a start only the end of the log is in memory.
    const { leader, third } = await twoOfThree(fileSystems)
    const files = diskOf(leader, fileSystems)
    const [first = ''] = [...files.image('durable').keys()].filter((path) => path.endsWith('.seg')).sort()
    files.flip(first, 2_000)
    await third.start()
    await expect(leader.closed).rejects.toThrow(/cannot be read.*its next start mends that/)
  })
})

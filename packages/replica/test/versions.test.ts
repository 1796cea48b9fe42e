import { MemoryDisk } from '@chatroom/replication-log'
import { afterEach, describe, expect, it } from 'vitest'
import {
  createReplica,
  type DefinedStateMachine,
  defineStateMachine,
  jsonCodec,
  type Replica,
  type ReplicaStatus,
} from '../src/index.ts'
import { MemoryNetwork } from '../src/testing/index.ts'

interface State {
  total: number
}
interface Change {
  readonly by: number
}
type Counter = Replica<Change, number, DefinedStateMachine<State, Change, number>>

function numberIn(value: unknown, name: string): number {
  const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
  if (typeof found !== 'number') throw new TypeError(`${name} is no number`)
  return found
}

/** A counter that learned to count down with its second version. */
function counter(version: number): DefinedStateMachine<State, Change, number> {
  return defineStateMachine<State, Change, number>({
    version,
    neededVersion: ({ by }) => (by < 0 ? 2 : 1),
    command: jsonCodec((value) => ({ by: numberIn(value, 'by') })),
    state: jsonCodec((value) => ({ total: numberIn(value, 'total') })),
    initial: () => ({ total: 0 }),
    apply: (state, { by }) => {
      state.total += version >= 2 ? by : Math.abs(by)
      return state.total
    },
  })
}

const ids = [0, 1, 2]

/** Three replicas, each run by a program of some version. */
class Mixed {
  readonly #network = new MemoryNetwork()
  readonly #disks = ids.map(() => new MemoryDisk())
  readonly #running = new Map<number, Counter>()
  /** Why a peer was first turned away. */
  readonly rejected: Promise<string>
  #reject: (reason: string) => void = () => undefined

  constructor() {
    this.rejected = new Promise((resolve) => {
      this.#reject = resolve
    })
  }

  create(id: number, version: number): Counter {
    const disk = this.#disks[id]
    if (disk === undefined) throw new Error(`no replica ${id}`)
    const replica: Counter = createReplica({
      id,
      members: ids,
      mode: 'fail-stop',
      stateMachine: counter(version),
      storage: disk.open(id),
      transport: this.#network.transport({
        id,
        listen: `${id}`,
        peers: new Map(ids.map((peer) => [peer, `${peer}`])),
      }),
    })
    replica.on((event) => {
      if (event.type === 'peer rejected') this.#reject(event.reason)
    })
    return replica
  }

  async start(id: number, version: number): Promise<Counter> {
    const replica = this.create(id, version)
    this.#running.set(id, replica)
    await replica.start()
    return replica
  }

  async stop(id: number): Promise<void> {
    await this.#running.get(id)?.stop()
    this.#running.delete(id)
  }

  replaceDisk(id: number): void {
    this.#disks[id] = new MemoryDisk()
  }

  /** Resolves with the leader when something it says of itself holds. */
  async leader(holds: (status: ReplicaStatus) => boolean): Promise<Counter> {
    const found = (): Counter | undefined =>
      [...this.#running.values()].find((replica) => replica.status().serving && holds(replica.status()))
    return await this.#until(found)
  }

  async #until(find: () => Counter | undefined): Promise<Counter> {
    return await new Promise((resolve) => {
      const offs: (() => void)[] = []
      const look = (): void => {
        const found = find()
        if (found === undefined) return
        for (const off of offs) off()
        resolve(found)
      }
      for (const replica of this.#running.values()) offs.push(replica.on(() => queueMicrotask(look)))
      look()
    })
  }

  async destroy(): Promise<void> {
    for (const id of ids) await this.stop(id)
  }
}

const whole = (status: ReplicaStatus): boolean => status.view.members.length === 3 && status.viewInForce

let mixed = new Mixed()
afterEach(async () => {
  await mixed.destroy()
  mixed = new Mixed()
})

async function startAll(...versions: readonly number[]): Promise<Counter> {
  await Promise.all(versions.map((version, id) => mixed.start(id, version)))
  return await mixed.leader(whole)
}

describe('replicas of two versions', () => {
  it('do not use what the older one does not know, and say who that is', async () => {
    const leader = await startAll(2, 2, 1)
    expect(leader.status()).toMatchObject({ machineVersion: 2, commonVersion: 1 })
    expect(await leader.propose({ by: 5 })).toBe(5)
    await expect(leader.propose({ by: -2 })).rejects.toMatchObject({
      code: 'unsupported version',
      message:
        'this needs version 2 of the state machine, and replica 2 has version 1: install the newer version there',
    })
    expect(await leader.propose({ by: 1 })).toBe(6)
  })

  it('use it when the last one has it, also after the leader changes', async () => {
    await startAll(2, 2, 1)
    await mixed.stop(2)
    await mixed.start(2, 2)
    const leader = await mixed.leader((status) => whole(status) && status.commonVersion === 2)
    expect(await leader.propose({ by: 5 })).toBe(5)
    expect(await leader.propose({ by: -2 })).toBe(3)
    await leader.transferLeadership()
    const next = await mixed.leader((status) => status.id !== leader.id)
    expect(await next.propose({ by: -2 })).toBe(1)
  })

  it('wait for one that is down: it may come back as it was', async () => {
    await startAll(2, 2, 1)
    await mixed.stop(2)
    const leader = await mixed.leader((status) => status.view.members.length === 2 && status.viewInForce)
    await expect(leader.propose({ by: -2 })).rejects.toThrow('replica 2 has version 1')
  })
})

describe('an older program', () => {
  it('does not start on data that needs a newer one', async () => {
    const leader = await startAll(2, 2, 2)
    await mixed.leader((status) => whole(status) && status.commonVersion === 2)
    await leader.propose({ by: -2 })
    await mixed.stop(1)
    await expect(mixed.create(1, 1).start()).rejects.toMatchObject({
      code: 'unsupported version',
      message:
        'this data needs version 2 of the state machine, and this program has version 1: install the version that wrote it, or a later one',
    })
  })

  it('is not let in, on an empty disk, by replicas whose log needs a newer one', async () => {
    await startAll(2, 2, 2)
    await mixed.leader((status) => whole(status) && status.commonVersion === 2)
    await mixed.stop(1)
    mixed.replaceDisk(1)
    await mixed.start(1, 1)
    expect(await mixed.rejected).toMatch(
      /^Replica 1 has version 1 of the state machine and the log of replica \d needs version 2: install on replica 1 what replica \d runs\.$/,
    )
  })
})

import { MemoryDisk } from '@chatroom/replication-log'
import { describe, expect, it } from 'vitest'
import {
  createReplica,
  defineStateMachine,
  jsonCodec,
  type Replica,
  type ReplicaEvent,
} from '../src/index.ts'
import { MemoryNetwork } from '../src/testing/index.ts'

interface Add {
  readonly add: number
}

function numberIn(value: unknown, name: string): number {
  const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
  if (typeof found !== 'number') throw new TypeError(`${name} is no number`)
  return found
}

function counter(apply: (state: { total: number }, command: Add) => number) {
  return defineStateMachine<{ total: number }, Add, number>({
    command: jsonCodec((value) => ({ add: numberIn(value, 'add') })),
    state: jsonCodec((value) => ({ total: numberIn(value, 'total') })),
    initial: () => ({ total: 0 }),
    apply,
  })
}

const adding = (state: { total: number }, { add }: Add): number => {
  state.total += add
  return state.total
}

function alone(
  machine = counter(adding),
  disk = new MemoryDisk(),
): Replica<Add, number, ReturnType<typeof counter>> {
  const network = new MemoryNetwork()
  return createReplica({
    id: 0,
    members: [0],
    mode: 'fail-stop',
    stateMachine: machine,
    storage: disk.open(0),
    transport: network.transport({ id: 0, listen: 'here', peers: new Map() }),
  })
}

async function serving(replica: Replica<Add, number, ReturnType<typeof counter>>): Promise<void> {
  if (replica.status().serving) return
  await new Promise<void>((resolve) => {
    const off = replica.on((event: ReplicaEvent) => {
      if (event.type !== 'view' || !event.inForce) return
      off()
      resolve()
    })
  })
}

describe('a replica', () => {
  it('answers commands in their order, and reads see what was acknowledged', async () => {
    const replica = alone()
    await replica.start()
    await serving(replica)
    const replies = await Promise.all([1, 2, 3].map((add) => replica.propose({ add })))
    expect(replies).toEqual([1, 3, 6])
    expect(await replica.read((machine) => machine.state.total)).toBe(6)
    await replica.stop()
    await expect(replica.closed).resolves.toBeUndefined()
  })

  it('has everything again after a start on the same disk', async () => {
    const disk = new MemoryDisk()
    const first = alone(counter(adding), disk)
    await first.start()
    await serving(first)
    await first.propose({ add: 5 })
    await first.stop()
    const second = alone(counter(adding), disk)
    await second.start()
    await serving(second)
    expect(await second.read((machine) => machine.state.total)).toBe(5)
    await second.stop()
  })

  it('refuses commands after its stop, with a reason', async () => {
    const replica = alone()
    await replica.start()
    await serving(replica)
    const late = replica.propose({ add: 1 })
    await replica.stop()
    await expect(late).rejects.toMatchObject({ code: 'outcome unknown' })
    await expect(replica.propose({ add: 1 })).rejects.toMatchObject({ code: 'stopped' })
  })

  it('lets a caller give up waiting', async () => {
    const replica = alone()
    await replica.start()
    await serving(replica)
    const signal = AbortSignal.abort()
    await expect(replica.propose({ add: 1 }, { signal })).rejects.toMatchObject({ code: 'aborted' })
    await replica.stop()
  })

  it('stops itself, and says so, when its state machine throws', async () => {
    const replica = alone(
      counter(() => {
        throw new Error('seven is not allowed')
      }),
    )
    const events: ReplicaEvent[] = []
    replica.on((event) => events.push(event))
    await replica.start()
    await serving(replica)
    await expect(replica.propose({ add: 7 })).rejects.toMatchObject({ code: 'halted' })
    await expect(replica.closed).rejects.toMatchObject({ code: 'halted' })
    expect(events.at(-1)).toMatchObject({
      type: 'halted',
      reason: 'seven is not allowed',
    })
  })

  it('stops itself when a step fails in a way that nobody foresaw', async () => {
    const replica = alone()
    // A listener that throws stands for any fault in the middle of a step.
    replica.on((event) => {
      if (event.type === 'leader') throw new Error('a fault')
    })
    await replica.start()
    await expect(replica.closed).rejects.toMatchObject({
      code: 'halted',
      message: 'replica 0 stopped itself: a fault in the program: a fault',
    })
    await expect(replica.propose({ add: 1 })).rejects.toMatchObject({ code: 'halted' })
  })

  it('of other data does not start, and lets go of the disk', async () => {
    const disk = new MemoryDisk()
    const network = new MemoryNetwork()
    const of = (id: number) =>
      createReplica({
        id,
        members: [id],
        mode: 'fail-stop',
        stateMachine: counter(adding),
        storage: disk.open(0),
        transport: network.transport({ id, listen: `${id}`, peers: new Map() }),
      })
    await expect(of(1).start()).rejects.toMatchObject({ code: 'invalid configuration' })
    const right = of(0)
    await right.start()
    await right.stop()
  })
})

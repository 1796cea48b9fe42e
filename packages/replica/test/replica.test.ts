import { MemoryDisk } from '@chatroom/replication-log'
import { describe, expect, it } from 'vitest'
import {
  createReplica,
  defineStateMachine,
  type Hello,
  jsonCodec,
  type Replica,
  type ReplicaEvent,
} from '../src/index.ts'
import { MemoryNetwork, MemoryProcesses } from '../src/testing/index.ts'

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

  it('does not count as admitted any more once it has left: what it has may soon be less than what is committed', async () => {
    const replica = alone()
    await replica.start()
    await serving(replica)
    expect(replica.status().admitted).toBe(true)
    await replica.leave()
    expect(replica.status().admitted).toBe(false)
    await replica.stop()
  })

  it('says what it waits for while its disk is not whole, and takes no part', async () => {
    const disk = new MemoryDisk()
    const first = alone(counter(adding), disk)
    await first.start()
    await serving(first)
    await first.propose({ add: 1 })
    await first.stop()
    disk.damage(2)
    const replica = createReplica({
      id: 0,
      members: [0],
      mode: 'fail-stop',
      stateMachine: counter(adding),
      storage: disk.open(0),
      transport: new MemoryNetwork().transport({ id: 0, listen: 'here', peers: new Map() }),
      mendFrom: [{ name: 'replica 1', fetch: () => Promise.reject(new Error('nobody listens')) }],
    })
    const waits = new Promise<void>((resolve) => {
      replica.on(({ type }) => {
        if (type === 'damage waits') resolve()
      })
    })
    const started = replica.start()
    await waits
    expect(replica.mending()?.damage).toMatchObject({ from: 2, to: 2 })
    expect(() => replica.status()).toThrow(
      'replica 0 does not take part yet: waits for entry 2: no answer from replica 1 (nobody listens)',
    )
    await replica.stop()
    await expect(started).rejects.toMatchObject({ code: 'stopped' })
    expect(replica.mending()).toBeNull()
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

  it('tells the others which process it is, as its fencer says', async () => {
    const network = new MemoryNetwork()
    const inner = network.transport({ id: 0, listen: 'here', peers: new Map() })
    const said: Hello[] = []
    const own = new MemoryProcesses().start(() => undefined)
    const replica = createReplica({
      id: 0,
      members: [0],
      mode: 'fail-stop',
      stateMachine: counter(adding),
      storage: new MemoryDisk().open(0),
      fencer: new MemoryProcesses().fencer(own),
      hello: { clientAddress: 'there' },
      transport: {
        start: async (receiver) => {
          said.push(receiver.hello())
          await inner.start(receiver)
        },
        send: (to, message) => inner.send(to, message),
        queuedBytes: (peer) => inner.queuedBytes(peer),
        closed: inner.closed,
        stop: () => inner.stop(),
      },
    })
    await replica.start()
    const { pid, processStart } = own
    expect(said).toMatchObject([{ clientAddress: 'there', pid, processStart }])
    expect(replica.status().pid).toBe(pid)
    await replica.stop()
  })

  it.each([
    ['there', 'ask replica 0 at there'],
    ['', 'ask replica 0'],
  ])('names the leader to whoever asks another, with its address %o', async (clientAddress, advice) => {
    const network = new MemoryNetwork()
    const replicas = [0, 1].map((id) =>
      createReplica({
        id,
        members: [0, 1],
        mode: 'fail-stop',
        stateMachine: counter(adding),
        storage: new MemoryDisk().open(id),
        transport: network.transport({
          id,
          listen: `replica ${id}`,
          peers: new Map([[1 - id, `replica ${1 - id}`]]),
        }),
        hello: { clientAddress },
      }),
    )
    const inForce = replicas.map(
      (replica) =>
        new Promise<void>((resolve) => {
          replica.on((event) => {
            if (event.type === 'view' && event.inForce) resolve()
          })
        }),
    )
    await Promise.all(replicas.map((replica) => replica.start()))
    await Promise.all(inForce)
    await expect(replicas[1]?.propose({ add: 1 })).rejects.toMatchObject({
      code: 'not leader',
      message: `this replica does not lead: ${advice}`,
    })
    for (const replica of replicas) await replica.stop()
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

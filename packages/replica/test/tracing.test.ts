import { MemoryDisk } from '@chatroom/replication-log'
import { expect, it, onTestFinished } from 'vitest'
import {
  createReplica,
  defineStateMachine,
  jsonCodec,
  type Message,
  type Replica,
  type Tracing,
  type Transport,
} from '../src/index.ts'
import { MemoryNetwork } from '../src/testing/index.ts'

interface Stage {
  readonly name: string
  readonly replica: number
  readonly within: string
  readonly context: string
  readonly numbers: Readonly<Record<string, number>>
  /** null while it is open; '' if it came to its end. */
  ended: string | null
}

/** Everything that was begun, in order, on all replicas. */
function recorded(): { readonly stages: Stage[]; readonly tracing: (replica: number) => Tracing } {
  const stages: Stage[] = []
  const tracing = (replica: number): Tracing => ({
    begin: (name, within, numbers = {}) => {
      const stage: Stage = { name, replica, within, context: `stage ${stages.length}`, numbers, ended: null }
      stages.push(stage)
      return {
        context: stage.context,
        end: (failure = '') => {
          expect(stage.ended).toBeNull()
          stage.ended = failure
        },
      }
    },
  })
  return { stages, tracing }
}

function machine() {
  return defineStateMachine<{ total: number }, number, number>({
    command: jsonCodec(Number),
    state: jsonCodec((total) => ({ total: Number(total) })),
    initial: () => ({ total: 0 }),
    apply: (state, add) => {
      state.total += add
      return state.total
    },
  })
}

type Counter = Replica<number, number, ReturnType<typeof machine>>

/** Three replicas, of which one leads and both others are in the view. */
async function cluster(
  tracing: ((replica: number) => Tracing) | null,
  sent: (message: Message) => void = () => undefined,
): Promise<Counter> {
  const network = new MemoryNetwork()
  const members = [0, 1, 2]
  const replicas = members.map((id) =>
    createReplica({
      id,
      members,
      mode: 'fail-stop',
      stateMachine: machine(),
      storage: new MemoryDisk().open(id),
      transport: overheard(
        network.transport({
          id,
          listen: `replica ${id}`,
          peers: new Map(members.map((peer) => [peer, `replica ${peer}`])),
        }),
        sent,
      ),
      ...(tracing === null ? {} : { tracing: tracing(id) }),
    }),
  )
  onTestFinished(async () => void (await Promise.all(replicas.map((replica) => replica.stop()))))
  const whole = (replica: Counter): boolean =>
    replica.status().serving && replica.status().view.members.length === 3
  const serving = new Promise<Counter>((resolve) => {
    for (const replica of replicas) replica.on(() => whole(replica) && resolve(replica))
  })
  await Promise.all(replicas.map((replica) => replica.start()))
  return await serving
}

function overheard(inner: Transport, sent: (message: Message) => void): Transport {
  return {
    start: (receiver) => inner.start(receiver),
    send: (to, message) => {
      sent(message)
      inner.send(to, message)
    },
    queuedBytes: (peer) => inner.queuedBytes(peer),
    closed: inner.closed,
    stop: () => inner.stop(),
  }
}

const listener = { replied: () => undefined, failed: () => undefined }

it('a command is followed on the leader and, as part of the same, on every follower, down to the disk', async () => {
  const { stages, tracing } = recorded()
  const leader = await cluster(tracing)
  expect(await leader.propose(5, { trace: 'a send' })).toBe(5)

  const own = leader.status().id
  const one = (name: string, replica: number): Stage => {
    const [found, ...others] = stages.filter((stage) => stage.name === name && stage.replica === replica)
    if (found === undefined || others.length > 0) throw new Error(`not one ${name} on replica ${replica}`)
    return found
  }
  const commit = one('commit', own)
  for (const name of ['propose', 'commit', 'apply']) expect(one(name, own).within).toBe('a send')
  for (const id of [0, 1, 2]) {
    const append = one('append', id)
    expect(append.within).toBe(commit.context)
    expect(one('fsync', id)).toMatchObject({ within: append.context, numbers: { entries: 1 } })
  }
  expect(stages).toHaveLength(9)
  // Nothing was acknowledged before it was over on all of them.
  expect(stages.map(({ ended }) => ended)).toEqual(stages.map(() => ''))
})

it('those beside it are not, and one write of the disk is told of in the trace of each that is', async () => {
  const { stages, tracing } = recorded()
  const leader = await cluster(tracing)
  const last = leader.propose(0)
  leader.proposeAll([1, 2, 3], listener, [null, 'second', 'third'])
  await Promise.all([last, leader.propose(4)])
  expect(new Set(stages.filter(({ name }) => name === 'propose').map(({ within }) => within))).toEqual(
    new Set(['second', 'third']),
  )
  const own = stages.filter(({ name, replica }) => name === 'fsync' && replica === leader.status().id)
  expect(own.map(({ numbers }) => numbers)).toEqual([{ entries: 5 }, { entries: 5 }])
})

it('without anybody who follows, a trace that is named goes nowhere', async () => {
  const sent: Message[] = []
  const leader = await cluster(null, (message) => sent.push(message))
  await leader.propose(5, { trace: 'a send' })
  const appends = sent.filter((message) => message.type === 'append')
  expect(appends.some(({ entries }) => entries.some(({ kind }) => kind === 'command'))).toBe(true)
  expect(appends.filter((message) => 'traces' in message)).toEqual([])
})

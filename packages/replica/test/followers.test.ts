import { MemoryDisk } from '@chatroom/replication-log'
import { expect, it, onTestFinished } from 'vitest'
import { createReplica, defineStateMachine, jsonCodec } from '../src/index.ts'
import { MemoryNetwork } from '../src/testing/index.ts'

const members = [0, 1, 2]

it('a command that comes alone is applied by the followers, too, though nothing follows it', async () => {
  const network = new MemoryNetwork()
  const applied = new Set<number>()
  let allHave: () => void
  const everywhere = new Promise<void>((resolve) => {
    allHave = resolve
  })
  const replicas = members.map((id) =>
    createReplica({
      id,
      members,
      mode: 'fail-stop',
      stateMachine: defineStateMachine<{ total: number }, number, number>({
        command: jsonCodec(Number),
        state: jsonCodec((total) => ({ total: Number(total) })),
        initial: () => ({ total: 0 }),
        apply: (state, add) => {
          applied.add(id)
          if (applied.size === members.length) allHave()
          state.total += add
          return state.total
        },
      }),
      storage: new MemoryDisk().open(id),
      transport: network.transport({
        id,
        listen: `replica ${id}`,
        peers: new Map(members.map((peer) => [peer, `replica ${peer}`])),
      }),
    }),
  )
  onTestFinished(async () => void (await Promise.all(replicas.map((replica) => replica.stop()))))
  const serving = new Promise<(typeof replicas)[number]>((resolve) => {
    for (const replica of replicas) replica.on(() => replica.status().serving && resolve(replica))
  })
  await Promise.all(replicas.map((replica) => replica.start()))
  const leader = await serving
  expect(await leader.propose(5)).toBe(5)
  await everywhere
  expect(replicas.map(({ stateMachine }) => stateMachine.state.total)).toEqual([5, 5, 5])
})

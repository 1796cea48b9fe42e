import { type FlushOutcome, MemoryDisk } from '@chatroom/replication-log'
import { describe, expect, it } from 'vitest'
import { explainWaiting } from '../src/core/explain.ts'
import {
  createReplica,
  defineStateMachine,
  jsonCodec,
  type Replica,
  type ReplicaEvent,
  type StateMachineDefinition,
} from '../src/index.ts'
import { MemoryNetwork } from '../src/testing/index.ts'
import { member, OneCore, viewEntry, viewOf } from './one-core.ts'

const [A, B, C] = [member(0), member(1), member(2)]
const propose = (core: OneCore): unknown =>
  core
    .happens({ type: 'propose', payloads: [new Uint8Array(1)], wallTime: 0 })
    .flatMap((effect) =>
      effect.type === 'proposed' ? ['taken'] : effect.type === 'proposalRefused' ? [effect.why] : [],
    )[0]

/** Replica 0 leads all three, in fail-stop mode, and they have what it has. */
function leaderOfAll(): OneCore {
  const core = new OneCore({ mode: 'fail-stop', incarnation: 1, members: [0, 1, 2] })
  for (const peer of [B, C]) {
    core.connect(peer)
    core.receive(peer, core.presence({}))
  }
  core.tick(10)
  for (const _ of ['before', 'in earnest']) for (const peer of [B, C]) core.receive(peer, core.voteReply())
  for (const peer of [B, C]) core.receive(peer, core.appended({}))
  expect(propose(core)).toBe('taken')
  return core
}

function leaderByMajority(): OneCore {
  const core = new OneCore()
  for (const peer of [B, C]) core.connect(peer)
  core.elect(B)
  for (const peer of [B, C]) core.receive(peer, core.appended({}))
  expect(propose(core)).toBe('taken')
  return core
}

describe('a follower whose disk is full', () => {
  it('says so with every answer, and again when there is room', () => {
    const core = new OneCore({ mode: 'fail-stop', entries: [viewEntry(1, 1, viewOf(A, B, C))] })
    core.connect(B)
    const heartbeat = (): unknown =>
      core.receive(B, core.append({ previous: { index: 1, term: 1 }, commitIndex: 1 })).at(-1)
    expect(heartbeat()).toMatchObject({ type: 'appended', storageFull: false })
    core.happens({ type: 'storageFull', full: true })
    expect(heartbeat()).toMatchObject({ type: 'appended', accepted: true, storageFull: true })
    expect(core.receive(B, core.append({ previous: { index: 9, term: 1 } })).at(-1)).toMatchObject({
      accepted: false,
      storageFull: true,
    })
    core.pass(100)
    expect(explainWaiting(core.core)[0]).toMatchObject({ for: 'room on a disk', replicas: [0] })
    core.happens({ type: 'storageFull', full: false })
    expect(heartbeat()).toMatchObject({ storageFull: false })
    expect(explainWaiting(core.core)).toEqual([])
  })

  it('stops commands in fail-stop mode, until it says that it has room', () => {
    const core = leaderOfAll()
    core.receive(C, core.appended({ storageFull: true }))
    expect(propose(core)).toBe('storage full')
    core.tick(10)
    expect(explainWaiting(core.core)[0]).toMatchObject({ replicas: [2], sinceMs: 10 })
    core.receive(B, core.appended({}))
    expect(propose(core)).toBe('storage full')
    core.receive(C, core.appended({}))
    expect(propose(core)).toBe('taken')
    expect(core.reports.filter(({ type }) => type === 'peer storage full')).toEqual([
      { type: 'peer storage full', peer: 2, full: true },
      { type: 'peer storage full', peer: 2, full: false },
    ])
  })

  it('is believed by its newest answer, not by one that waited for its disk', () => {
    const core = leaderOfAll()
    core.receive(C, core.appended({ storageFull: true }))
    const late = core.appended({ storageFull: true })
    core.pass(core.core.limits.heartbeatMs * 2)
    core.receive(C, core.appended({}))
    core.receive(C, late)
    expect(propose(core)).toBe('taken')
  })

  it('stops nothing once it is proven dead, and is not taken back before it has room', () => {
    const core = leaderOfAll()
    core.receive(C, core.appended({ storageFull: true }))
    core.refuse(2)
    core.tick(10)
    core.receive(B, core.appended({}))
    expect(core.view.members).toEqual([A, B])
    expect(propose(core)).toBe('taken')
    core.receive(B, core.appended({}))
    const again = member(2, 2)
    core.connect(again)
    core.receive(again, core.appended({ storageFull: true }))
    core.tick(10)
    expect(core.view.members).toEqual([A, B])
    core.receive(again, core.appended({}))
    core.tick(10)
    expect(core.view.members).toEqual([A, B, again])
  })

  it('stops nothing in majority mode as long as the others are a majority', () => {
    const core = leaderByMajority()
    core.receive(C, core.appended({ storageFull: true }))
    expect(propose(core)).toBe('taken')
    expect(explainWaiting(core.core).find((waiting) => waiting.for === 'room on a disk')?.words).toBe(
      'no room on the disk of replica 2: writes go on without it; free some space there',
    )
    core.receive(B, core.appended({ storageFull: true }))
    expect(propose(core)).toBe('storage full')
    core.receive(B, core.appended({}))
    expect(propose(core)).toBe('taken')
  })
})

describe('a leader whose disk is full', () => {
  it.each([
    ['fail-stop', leaderOfAll],
    ['majority', leaderByMajority],
  ])('takes no commands in %s mode', (_, lead) => {
    const core = lead()
    core.happens({ type: 'storageFull', full: true })
    expect(propose(core)).toBe('storage full')
    core.happens({ type: 'storageFull', full: false })
    expect(propose(core)).toBe('taken')
  })
})

const textsDefinition: StateMachineDefinition<string[], string, number> = {
  command: jsonCodec(String),
  state: jsonCodec((value) => (Array.isArray(value) ? value.map(String) : [])),
  initial: () => [],
  apply: (state, text) => state.push(text),
}

type Texts = Replica<string, number, ReturnType<typeof defineStateMachine<string[], string, number>>>

/** The first event that is asked for, from now on. */
async function heard(replica: Texts, wanted: (event: ReplicaEvent) => boolean): Promise<void> {
  await new Promise<void>((resolve) => {
    const off = replica.on((event) => {
      if (!wanted(event)) return
      off()
      resolve()
    })
  })
}

describe('replicas', () => {
  it('refuse commands while a disk is full, keep what was under way, and go on when it has room', async () => {
    const network = new MemoryNetwork()
    const addresses = new Map([0, 1, 2].map((id) => [id, `r${id}`]))
    const full = new Set<number>()
    const replicas: Texts[] = [0, 1, 2].map((id) => {
      const complete = (bytes: number, done: (outcome?: FlushOutcome) => void): void =>
        done(bytes > 0 && full.has(id) ? 'full' : undefined)
      return createReplica({
        id,
        members: [0, 1, 2],
        mode: 'fail-stop',
        stateMachine: defineStateMachine(textsDefinition),
        storage: new MemoryDisk({ disk: `disk${id}`, complete }).open(id),
        transport: network.transport({ id, listen: `r${id}`, peers: addresses }),
      })
    })
    const [leader, , follower] = replicas
    if (leader === undefined || follower === undefined) throw new Error('there are three')
    const leads = heard(leader, (event) => event.type === 'view' && event.inForce)
    for (const replica of replicas) await replica.start()
    await leads
    expect(await leader.propose('first')).toBe(1)

    full.add(2)
    const told = heard(leader, (event) => event.type === 'peer storage full' && event.full)
    const underWay = leader.propose('under way')
    await told
    await expect(leader.propose('refused')).rejects.toMatchObject({
      code: 'storage full',
      message: 'no room on the disk of replica 2: free some space; nothing was lost, and nothing was done',
    })
    expect(await leader.read((machine) => machine.state)).toEqual(['first'])
    expect(follower.status().waiting).toMatchObject([{ for: 'room on a disk', replicas: [2] }])

    const room = heard(leader, (event) => event.type === 'peer storage full' && !event.full)
    full.delete(2)
    expect(await underWay).toBe(2)
    await room
    expect(await leader.propose('third')).toBe(3)
    for (const replica of replicas) await replica.stop()
  })

  it('stop at a quota with room to spare, and go on when a snapshot has taken the place of the log', async () => {
    const disk = new MemoryDisk()
    const replica: Texts = createReplica({
      id: 0,
      members: [0],
      mode: 'fail-stop',
      // Its state stays small.
      stateMachine: defineStateMachine({
        ...textsDefinition,
        apply: (state, text) => state.splice(0, 1, text).length,
      }),
      storage: disk.open(0),
      transport: new MemoryNetwork().transport({ id: 0, listen: 'here', peers: new Map() }),
      storageQuotaBytes: 100_000,
      limits: { compactMarginEntries: 0 },
    })
    const leads = heard(replica, (event) => event.type === 'view' && event.inForce)
    await replica.start()
    await leads
    const events: boolean[] = []
    replica.on((event) => event.type === 'storage full' && events.push(event.full))
    let acknowledged = 0
    for (const text = 'x'.repeat(1_000); ; acknowledged++) {
      const outcome = await replica.propose(text).catch((error: unknown) => error)
      if (typeof outcome === 'number') continue
      expect(outcome).toMatchObject({ code: 'storage full' })
      break
    }
    expect(acknowledged).toBeGreaterThan(90)
    await heard(replica, (event) => event.type === 'storage full' && !event.full)
    await replica.propose('more')
    expect(events).toEqual([true, false])
    await replica.stop()
  })
})

import { describe, expect, it } from 'vitest'
import { explainWaiting } from '../src/core/explain.ts'
import { currentView } from '../src/core/state.ts'
import { CoreCluster } from './core-cluster.ts'
import { member, OneCore, only } from './one-core.ts'

function running(mode: 'fail-stop' | 'majority'): CoreCluster {
  const cluster = new CoreCluster(mode, [0, 1, 2])
  cluster.start(0, 1, 2)
  for (let waited = 0; cluster.leaders().length === 0 && waited < 50; waited++) cluster.pass(100)
  cluster.pass(200)
  return cluster
}

const viewIds = (cluster: CoreCluster, id: number): number[] =>
  currentView(cluster.core(id)).members.map((m) => m.id)
const left = (cluster: CoreCluster, id: number): unknown[] =>
  cluster.effects.flatMap((of) => (of.id === id && of.effect.type === 'left' ? [of.effect.unheard] : []))
const led = (cluster: CoreCluster): number => {
  const [leader, ...more] = cluster.leaders()
  if (leader === undefined || more.length > 0) throw new Error(`${cluster.leaders().length} leaders`)
  return leader
}

describe('a follower that leaves (fail-stop)', () => {
  it('is out of the view before its port closes, and nothing waits for its disk any more', () => {
    const cluster = running('fail-stop')
    cluster.heldDisks.add(2)
    cluster.propose(0, 'a')
    cluster.settle()
    expect(cluster.commands(0)).toEqual([])
    cluster.dispatch(2, { type: 'leave' })
    cluster.settle()
    expect(left(cluster, 2)).toEqual([[]])
    expect(viewIds(cluster, 0)).toEqual([0, 1])
    expect(cluster.commands(0)).toEqual(['a'])
  })

  it('votes, appends and acknowledges nothing after its word', () => {
    const cluster = running('fail-stop')
    cluster.dispatch(2, { type: 'leave' })
    cluster.settle()
    const said: string[] = []
    cluster.onSend = ({ id }, _, message) => void (id === 2 && said.push(message.type))
    const { term, log } = cluster.core(2)
    const last = log.last.index
    cluster.propose(0, 'a')
    cluster.crash(0)
    cluster.pass(1_000)
    expect(said).toEqual([])
    expect(cluster.core(2)).toMatchObject({ term, role: 'follower' })
    expect(cluster.core(2).log.last.index).toBe(last)
    expect(cluster.leaders()).toEqual([1])
    expect(explainWaiting(cluster.core(2))).toEqual([])
  })

  it('comes back as any returnee does', () => {
    const cluster = running('fail-stop')
    cluster.dispatch(2, { type: 'leave' })
    cluster.settle()
    cluster.propose(0, 'a')
    cluster.settle()
    cluster.crash(2)
    cluster.start(2)
    cluster.pass(300)
    expect(viewIds(cluster, 0)).toEqual([0, 1, 2])
    expect(cluster.commands(2)).toEqual(['a'])
  })

  it('does not wait for ever for those who do not hear it', () => {
    const cluster = running('fail-stop')
    cluster.cut.add('2>0')
    cluster.dispatch(2, { type: 'leave' })
    cluster.settle()
    expect(left(cluster, 2)).toEqual([])
    cluster.pass(cluster.limits.leaveMs - 20)
    expect(left(cluster, 2)).toEqual([])
    cluster.pass(40)
    expect(left(cluster, 2)).toEqual([[0]])
  })

  it('nor for those whose links break', () => {
    const cluster = running('fail-stop')
    cluster.cut.add('2>0')
    cluster.dispatch(2, { type: 'leave' })
    cluster.settle()
    cluster.dispatch(2, { type: 'observe', observation: { type: 'disconnected', peer: 0 } })
    expect(left(cluster, 2)).toEqual([[]])
  })

  it('and leaves at once where nobody can be reached', () => {
    const cluster = new CoreCluster('fail-stop', [0, 1, 2])
    cluster.start(1)
    cluster.dispatch(1, { type: 'leave' })
    expect(left(cluster, 1)).toEqual([[]])
  })
})

describe.each(['fail-stop', 'majority'] as const)('a leader that leaves (%s)', (mode) => {
  it('answers what it took, hands over, and is gone: another leads in the time of messages', () => {
    const cluster = running(mode)
    const leader = led(cluster)
    cluster.propose(leader, 'a', 'b')
    cluster.dispatch(leader, { type: 'leave' })
    cluster.settle()
    expect(cluster.commands(leader)).toEqual(['a', 'b'])
    expect(left(cluster, leader)).toEqual([[]])
    const next = led(cluster)
    expect(next).not.toBe(leader)
    cluster.propose(next, 'c')
    cluster.settle()
    expect(cluster.commands(next)).toEqual(['a', 'b', 'c'])
    // Majority mode counts on it to come back.
    expect(viewIds(cluster, next)).toEqual([0, 1, 2].filter((id) => mode === 'majority' || id !== leader))
  })

  it('takes nothing after its word, and says so to whoever asks', () => {
    const cluster = running(mode)
    const leader = led(cluster)
    cluster.dispatch(leader, { type: 'leave' })
    cluster.settle()
    const before = cluster.effects.length
    cluster.propose(leader, 'late')
    cluster.dispatch(leader, { type: 'read', ticket: 1 })
    cluster.dispatch(leader, { type: 'transfer', to: null })
    cluster.settle()
    const answers = cluster.effects.slice(before).filter(({ id }) => id === leader)
    expect(answers.map(({ effect }) => effect)).toEqual([
      { type: 'proposalRefused', why: 'not leader' },
      { type: 'readRefused', ticket: 1, why: 'not leader' },
      { type: 'transferred', ok: false, words: 'this replica does not lead' },
    ])
  })

  it('leaves all the same when whom it asked is gone: the rest elects one if it may', () => {
    const cluster = running(mode)
    const leader = led(cluster)
    const [successor = 0, other = 0] = [0, 1, 2].filter((id) => id !== leader)
    cluster.heldDisks.add(successor)
    cluster.dispatch(leader, { type: 'leave' })
    cluster.settle()
    cluster.crash(successor)
    cluster.heldDisks.clear()
    cluster.pass(3_000)
    expect(left(cluster, leader)).toHaveLength(1)
    // One of three is no majority.
    expect(cluster.leaders()).toEqual(mode === 'fail-stop' ? [other] : [])
  })
})

describe('a leader that leaves', () => {
  const B = member(1)
  const C = member(2)

  it('says so only when everything it took is applied here', () => {
    const core = new OneCore()
    core.connect(B)
    core.connect(C)
    core.elect(B)
    core.receive(B, core.appended({}))
    core.happens({ type: 'propose', payloads: [new Uint8Array(1)], wallTime: 0 })
    core.happens({ type: 'leave' })
    core.receive(B, core.appended({}))
    const said = (): string[] => core.messages.map(({ type }) => type)
    expect(said()).not.toContain('timeoutNow')
    expect(said()).not.toContain('leave')
    core.happens({ type: 'applied', index: core.core.log.last.index })
    expect(only('timeoutNow', core.messages)).toHaveLength(1)
    expect(only('leave', core.messages).map(({ successor }) => successor)).toEqual([1, 1])
    expect(core.effects).toContainEqual({ type: 'leadershipLost' })
  })

  it('goes without a successor when nobody took over in time', () => {
    const core = new OneCore()
    core.connect(B)
    core.elect(B)
    core.receive(B, core.appended({}))
    core.happens({ type: 'propose', payloads: [new Uint8Array(1)], wallTime: 0 })
    core.happens({ type: 'leave' })
    for (let passed = 0; passed <= core.core.limits.transferMs; passed += 50) core.tick(50)
    expect(only('leave', core.messages).map(({ successor }) => successor)).toEqual([null])
  })

  it('has asked somebody to take over, and that one has the first move', () => {
    const cluster = running('fail-stop')
    cluster.heldDisks.add(1)
    cluster.dispatch(0, { type: 'leave' })
    cluster.settle()
    cluster.pass(cluster.limits.campaignMs - 50)
    expect(cluster.core(1).role).toBe('candidate')
    expect(cluster.core(2).role).toBe('follower')
    cluster.heldDisks.clear()
    cluster.settle()
    expect(cluster.leaders()).toEqual([1])
  })
})

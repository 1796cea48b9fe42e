import { describe, expect, it } from 'vitest'
import { explainWaiting } from '../src/core/explain.ts'
import { command, commands, member, OneCore, only, origin, viewEntry, viewOf } from './one-core.ts'

const [A, B, C] = [member(0), member(1), member(2)]
const all = viewOf(A, B, C)

/** Replica 0 follows replica 1 in majority mode, and has nothing. */
function follower(entries = commands()): OneCore {
  const core = new OneCore({ entries })
  core.connect(B)
  core.receive(B, core.append({ term: 5, previous: { index: 99, term: 9 } }))
  expect(core.core.leader).toEqual(B)
  return core
}

function chunk(core: OneCore, offset: number, bytes: number, total = 10): Parameters<OneCore['receive']>[1] {
  return {
    type: 'snapshotChunk',
    term: core.core.term,
    snapshot: { index: 50, term: 4 },
    view: { ...all, index: 7, term: 2 },
    time: 1_234,
    offset,
    data: new Uint8Array(bytes),
    total,
  }
}

/** The shell did what it was told with a part. */
function written(core: OneCore, offset: number, installed: boolean): ReturnType<OneCore['happens']> {
  return core.happens({
    type: 'snapshotWritten',
    from: B,
    snapshot: { index: 50, term: 4 },
    view: { ...all, index: 7, term: 2 },
    time: 1_234,
    offset,
    installed,
  })
}

describe('a follower that gets a snapshot', () => {
  it('writes it part by part, and asks for each next one', () => {
    const core = follower()
    expect(core.happens({ type: 'receive', from: B, message: chunk(core, 0, 4) })).toMatchObject([
      { type: 'writeSnapshot', offset: 0, total: 10 },
    ])
    expect(core.core.installing).toBe(false)
    expect(written(core, 4, false)).toMatchObject([
      { type: 'send', message: { type: 'snapshotAck', offset: 4, installed: false } },
    ])
  })

  it('continues from the whole: log, view, commit index, cluster and time', () => {
    const core = follower(commands(1, 1, 3))
    core.receive(B, chunk(core, 0, 10))
    expect(core.core.installing).toBe(true)
    const [persist, ack] = written(core, 10, true)
    expect(persist).toMatchObject({ type: 'persist', hardState: { clusterId: 'c' } })
    expect(ack).toMatchObject({ type: 'send', message: { type: 'snapshotAck', installed: true } })
    expect(core.core).toMatchObject({ commitIndex: 50, appliedIndex: 50, clusterId: 'c', installing: false })
    expect(core.core.log.last).toMatchObject({ index: 50, term: 4 })
    expect(core.view).toMatchObject({ index: 7, term: 2 })
    core.receive(B, core.append({ previous: { index: 50, term: 4 }, entries: [command(51, 5)] }))
    expect(core.core.log.last.index).toBe(51)
  })

  it('keeps what follows it in the own log', () => {
    const core = new OneCore({ entries: commands(...Array.from({ length: 52 }, () => 4)) })
    core.receive(B, core.append({ term: 5, previous: { index: 99, term: 9 } }))
    core.receive(B, chunk(core, 0, 10))
    written(core, 10, true)
    expect(core.core.log.last.index).toBe(52)
    expect(core.core.log.before.index).toBe(50)
  })

  it('while it is installed the log stands still, and only presence is heard', () => {
    const core = follower()
    core.receive(B, chunk(core, 0, 10))
    expect(core.receive(B, core.append({ previous: origin, entries: [command(1, 1)] }))).toEqual([])
    expect(core.receive(C, core.voteRequest({}))).toEqual([])
    expect(core.receive(B, chunk(core, 0, 10))).toEqual([])
    core.receive(C, core.presence({}))
    expect(core.core.peers.get(2)?.presence).not.toBeNull()
    expect(explainWaiting(core.core)).toMatchObject([{ for: 'catching up', replicas: [1] }])
    // It tells that it is there, so that nobody takes it for silent.
    expect(
      only(
        'presence',
        core.pass(60).flatMap((effect) => (effect.type === 'send' ? [effect.message] : [])),
      ),
    ).not.toEqual([])
  })

  it.each([true, false])(
    'while it is installed nothing is applied, whatever becomes known to be committed; %s',
    (installed) => {
      const core = follower(commands(1, 1, 3))
      core.receive(B, chunk(core, 0, 10))
      const presence = core.presence({ commit: { index: 2, term: 1 } })
      expect(
        core.happens({ type: 'receive', from: C, message: presence }).map(({ type }) => type),
      ).not.toContain('apply')
      expect(core.core.commitIndex).toBe(2)
      const applied = written(core, 10, installed).filter(({ type }) => type === 'apply')
      expect(applied).toEqual(installed ? [] : [{ type: 'apply', upTo: 2 }])
    },
  )

  it('however long that takes, it does not stand meanwhile: its leader is only not heard', () => {
    const core = follower()
    core.receive(B, chunk(core, 0, 10))
    core.pass(core.core.limits.electionTimeoutMs * 5)
    expect(core.core).toMatchObject({ role: 'follower', leader: B })
    expect(only('snapshotAck', core.messages)).toEqual([])
    written(core, 10, true)
    expect(only('snapshotAck', core.messages)).toMatchObject([{ installed: true }])
    // From then on silence counts again.
    core.pass(core.core.limits.electionTimeoutMs * 2 + 20)
    expect(core.reports).toContainEqual({ type: 'role', role: 'candidate', term: core.core.term })
  })

  it('does not need one that it has already', () => {
    const core = new OneCore({ entries: commands(1, 1, 1) })
    core.receive(B, core.append({ term: 5, previous: { index: 3, term: 1 }, commitIndex: 3 }))
    const early = { ...chunk(core, 0, 10), snapshot: { index: 3, term: 1 } }
    expect(core.receive(B, early)).toMatchObject([{ type: 'snapshotAck', installed: true, offset: 10 }])
  })

  it('refuses one of an earlier term, and follows who sends one of a later term', () => {
    const core = new OneCore({ hardState: { term: 9 } })
    expect(core.receive(B, { ...chunk(core, 0, 4), term: 8 })).toMatchObject([
      { type: 'snapshotAck', term: 9, installed: false },
    ])
    core.receive(C, { ...chunk(core, 0, 4), term: 12 })
    expect(core.core).toMatchObject({ term: 12, leader: C })
  })

  it('answers nobody who does not lead any more', () => {
    const core = follower()
    core.receive(B, chunk(core, 0, 4))
    core.receive(C, core.append({ term: 6, previous: { index: 99, term: 9 } }))
    expect(written(core, 4, false)).toEqual([])
  })

  it('counts nothing of its old log that was under way to the disk', () => {
    const core = follower(commands(1))
    core.slowDisk = true
    const old = Array.from({ length: 60 }, (_, at) => command(at + 2, 2))
    core.receive(B, core.append({ previous: { index: 1, term: 1 }, entries: old }))
    const { persistIssued } = core.core
    core.receive(B, chunk(core, 0, 10))
    written(core, 10, true)
    const more = [command(51, 5), command(52, 5)]
    core.receive(B, core.append({ previous: { index: 50, term: 4 }, entries: more }))
    core.happens({ type: 'persisted', persist: persistIssued })
    expect(core.core.log.durable).toBe(50)
    core.flush()
    expect(core.core.log.durable).toBe(52)
  })
})

describe('a leader that sends a snapshot', () => {
  /** Replica 0 leads; its log begins after a snapshot of index 50. */
  function leader(): OneCore {
    const entries = [command(51, 4), command(52, 4)]
    const core = new OneCore({
      entries,
      snapshot: { index: 50, term: 4, view: all },
      hardState: { clusterId: 'c' },
    })
    core.elect(C)
    core.connect(B)
    core.receive(B, core.appended({ accepted: false, hint: { index: 3, term: 1 } }))
    return core
  }

  const part = (offset: number, total = 10): Parameters<OneCore['happens']>[0] => ({
    type: 'snapshotRead',
    peer: 1,
    index: 50,
    offset,
    data: new Uint8Array(4),
    total,
  })
  const reads = (core: OneCore): unknown[] => core.effects.filter(({ type }) => type === 'readSnapshot')

  it('reads it part by part as the follower asks, and then goes on with the log', () => {
    const core = leader()
    expect(reads(core)).toEqual([{ type: 'readSnapshot', peer: 1, index: 50, offset: 0 }])
    expect(core.happens(part(0))).toMatchObject([
      { type: 'send', message: { type: 'snapshotChunk', offset: 0, total: 10 } },
    ])
    const ack = {
      type: 'snapshotAck',
      term: core.core.term,
      snapshot: { index: 50, term: 4 },
      installed: false,
    } as const
    core.receive(B, { ...ack, offset: 4 })
    // An answer that comes twice does not ask twice.
    core.receive(B, { ...ack, offset: 4 })
    expect(reads(core).slice(1)).toEqual([{ type: 'readSnapshot', peer: 1, index: 50, offset: 4 }])
    core.happens(part(4))
    const sent = core.receive(B, { ...ack, offset: 10, installed: true })
    expect(only('append', sent)).toMatchObject([
      { previous: { index: 50, term: 4 }, entries: [{ index: 51 }, { index: 52 }, { index: 53 }] },
    ])
  })

  it('begins anew with a newer one if that has replaced it', () => {
    const core = leader()
    core.happens({ type: 'snapshotTaken', index: 52, time: 5 })
    core.happens(part(0))
    expect(reads(core).at(-1)).toEqual({ type: 'readSnapshot', peer: 1, index: 52, offset: 0 })
    const gone = leader()
    gone.happens(part(0, 0))
    expect(reads(gone)).toHaveLength(2)
  })

  it('forgets it when the follower is gone, leads no more, or answers about another one', () => {
    const core = leader()
    const ack = {
      type: 'snapshotAck',
      term: core.core.term,
      snapshot: { index: 50, term: 4 },
      offset: 4,
      installed: false,
    } as const
    core.happens(part(0))
    core.receive(B, { ...ack, snapshot: { index: 40, term: 4 } })
    core.receive(C, ack)
    core.receive(B, { ...ack, term: core.core.term - 1 })
    expect(reads(core)).toHaveLength(1)
    core.happens({ type: 'observe', observation: { type: 'disconnected', peer: 1 } })
    expect(core.happens(part(4))).toEqual([])
    core.receive(B, { ...ack, term: core.core.term + 1 })
    expect(core.core.role).toBe('follower')
    expect(core.happens(part(4))).toEqual([])
  })

  it('ignores a part that was read for a follower that no longer needs it', () => {
    const core = leader()
    const progress = core.core.lead?.progress.get(1)
    if (progress === undefined) throw new Error('no progress')
    core.receive(B, {
      type: 'snapshotAck',
      term: core.core.term,
      snapshot: { index: 50, term: 4 },
      offset: 10,
      installed: true,
    })
    const late = core.happens(part(4)).flatMap((effect) => (effect.type === 'send' ? [effect.message] : []))
    expect(only('snapshotChunk', late)).toEqual([])
  })

  it('speaks to it meanwhile about nothing that it may not have', () => {
    const core = leader()
    const beats = core.pass(60).flatMap((effect) => (effect.type === 'send' ? [effect.message] : []))
    expect(only('append', beats)).toMatchObject([{ previous: origin, entries: [] }])
    // And is not told off by a refusal that is older than the snapshot.
    core.receive(B, core.appended({ accepted: false, hint: { index: 1, term: 1 } }))
    expect(core.core.lead?.progress.get(1)?.state).toBe('snapshot')
  })

  it('without one that reaches to its log stops: that is an impossible state', () => {
    const core = leader()
    core.core.snapshot = null
    core.happens(part(0))
    expect(core.halted).toContain('no snapshot reaches to it')
  })

  it('of its own term is an impossible state for another leader', () => {
    const core = leader()
    core.receive(C, { ...chunk(core, 0, 4), term: core.core.term })
    expect(core.halted).toContain('two leaders in one term')
  })
})

describe('a snapshot of the own state', () => {
  it('lets go of the log behind it, but for the margin for those who are a little late', () => {
    const entries = [viewEntry(1, 1, all), ...Array.from({ length: 40 }, (_, at) => command(at + 2, 1))]
    const core = new OneCore({ entries, limits: { compactMarginEntries: 10 } })
    core.receive(B, core.append({ previous: { index: 41, term: 1 }, commitIndex: 41 }))
    expect(core.happens({ type: 'snapshotTaken', index: 30, time: 7 })).toEqual([
      { type: 'compact', index: 20 },
    ])
    expect(core.core.log.before.index).toBe(20)
    expect(core.core.snapshot).toMatchObject({ index: 30, term: 1, time: 7, view: { index: 1 } })
    // An older one, or one of what the log does not reach to, changes nothing.
    expect(core.happens({ type: 'snapshotTaken', index: 25, time: 8 })).toEqual([])
    expect(core.happens({ type: 'snapshotTaken', index: 99, time: 8 })).toEqual([])
    // The margin leaves nothing to let go of.
    expect(core.happens({ type: 'snapshotTaken', index: 30 + 0, time: 8 })).toEqual([])
  })

  it('keeps the view in effect where the log begins', () => {
    const pair = viewOf(A, B)
    const entries = [
      viewEntry(1, 1, all),
      viewEntry(2, 1, pair),
      command(3, 1),
      viewEntry(4, 1, all),
      command(5, 1),
    ]
    const core = new OneCore({ entries, limits: { compactMarginEntries: 0 } })
    core.receive(B, core.append({ previous: { index: 5, term: 1 }, commitIndex: 5 }))
    core.happens({ type: 'snapshotTaken', index: 3, time: 7 })
    expect(core.core.views.map(({ index }) => index)).toEqual([2, 4])
    expect(core.core.snapshot?.view.index).toBe(2)
  })

  it('is what a restart begins with', () => {
    const core = new OneCore({
      snapshot: { index: 50, term: 4, view: all },
      mode: 'fail-stop',
      hardState: { term: 3 },
    })
    expect(core.core).toMatchObject({
      commitIndex: 50,
      appliedIndex: 50,
      term: 4,
      votedFor: null,
      admitted: false,
    })
    expect(core.view).toMatchObject({ index: 50, members: all.members })
    expect(core.core.log.before).toEqual({ index: 50, term: 4 })
  })
})

import type { ReplicaId } from '@chatroom/election'
import { describe, expect, it } from 'vitest'
import { crashesTolerated, explainWaiting, roleOf } from '../src/core/explain.ts'
import type { Limits } from '../src/core/limits.ts'
import { currentView } from '../src/core/state.ts'
import { CoreCluster } from './core-cluster.ts'
import { command, member, OneCore, only, viewEntry, viewOf } from './one-core.ts'

const [A, B, C] = [member(0), member(1), member(2)]
const all = viewOf(A, B, C)

function running(): CoreCluster {
  const cluster = new CoreCluster('fail-stop', [0, 1, 2])
  cluster.start(0, 1, 2)
  cluster.pass(200)
  return cluster
}

const viewIds = (cluster: CoreCluster, id: ReplicaId): ReplicaId[] =>
  currentView(cluster.core(id)).members.map((m) => m.id)

/** Replica 0, admitted, follows replica 1 with all three in its view. */
function follower(limits: Partial<Limits> = {}): OneCore {
  const core = new OneCore({
    mode: 'fail-stop',
    limits,
    entries: [viewEntry(1, 1, all)],
    hardState: { clusterId: 'c' },
  })
  for (const peer of [B, C]) core.connect(peer)
  core.receive(B, core.append({ previous: { index: 1, term: 1 }, commitIndex: 1 }))
  expect(core.core.admitted).toBe(true)
  return core
}

/** Replica 0 leads with replica 2 in its view, and that is in force. */
function leader(limits: Partial<Limits> = {}): OneCore {
  const core = follower(limits)
  core.refuse(1)
  core.pass(200)
  core.receive(C, core.voteReply())
  core.receive(C, core.voteReply())
  expect(core.core.role).toBe('leader')
  core.receive(C, core.appended({}))
  return core
}

/** Replica 0 in its second run, and the others in theirs: everybody died, and all are back. */
function recovering(): OneCore {
  const core = new OneCore({ mode: 'fail-stop', incarnation: 2, entries: [viewEntry(1, 1, all)] })
  for (const peer of [member(1, 2), member(2, 2)]) {
    core.connect(peer)
    core.receive(peer, core.presence({}))
  }
  core.tick(10)
  expect(core.core.campaign).toMatchObject({ recovery: true })
  return core
}

/** How long those were silent that are to be fenced, milliseconds. */
function silences(core: OneCore): number[] {
  return core.effects.flatMap((effect) => (effect.type === 'fence' ? [effect.silentMs] : []))
}

describe('rule 1: only proof removes a member', () => {
  it('silence does not, however long', () => {
    const cluster = running()
    for (const other of [0, 1]) {
      cluster.cut.add(`2>${other}`)
      cluster.cut.add(`${other}>2`)
    }
    cluster.propose(0, 'waits')
    cluster.pass(60_000)
    expect(viewIds(cluster, 0)).toEqual([0, 1, 2])
    expect(cluster.commands(0)).toEqual([])
  })

  it('a refusal does, of the run that was known before the attempt', () => {
    const core = leader()
    expect(core.view.members).toEqual([A, C])
    core.refuse(2)
    expect(core.view.members).toEqual([A])
  })

  it('a refusal that is not exact does not', () => {
    const core = leader()
    core.refuse(2, false)
    expect(core.view.members).toEqual([A, C])
  })

  it('a refusal of an attempt that began before this run was known proves nothing about it', () => {
    const core = follower()
    core.happens({ type: 'observe', observation: { type: 'attempting', peer: 2, attempt: 77 } })
    const later = member(2, 2)
    core.receive(
      B,
      core.append({ previous: { index: 1, term: 1 }, entries: [viewEntry(2, 1, viewOf(A, B, later))] }),
    )
    core.happens({ type: 'observe', observation: { type: 'refused', peer: 2, attempt: 77, exact: true } })
    expect(core.core.deaths.isDead(C)).toBe(true)
    expect(core.core.deaths.isDead(later)).toBe(false)
  })

  it('an answer as a later run proves the end of the earlier one', () => {
    const core = leader()
    core.connect(member(2, 2))
    expect(core.view.members).toEqual([A])
  })

  it('what a dead run said before counts no more', () => {
    const core = leader()
    core.refuse(2)
    const { term } = core.core
    core.receive(C, core.appended({ term: term + 5, accepted: false }))
    expect(core.core.term).toBe(term)
  })

  it('a proof is passed on with the question for a vote', () => {
    const core = follower()
    core.receive(C, core.voteRequest({ dead: [B] }))
    expect(core.core.deaths.isDead(B)).toBe(true)
    expect(core.core.leader).toBeNull()
  })

  it('who hears a proof of its own end stops: its port was lost', () => {
    const core = follower()
    expect(core.receive(C, core.voteRequest({ dead: [A] }))).toEqual([])
    expect(core.halted).toContain('was its peer port lost?')
  })

  it('a silent member is fenced by the leader, again if that did not help, and only if it is known whom to kill', () => {
    const core = leader()
    const { fenceAfterMs } = core.core.limits
    const fences = (): unknown[] => core.effects.filter((effect) => effect.type === 'fence')
    core.pass(fenceAfterMs)
    expect(fences()).toEqual([])
    core.pass(50)
    expect(fences()).toMatchObject([{ hello: { member: C, pid: 102 } }])
    core.pass(fenceAfterMs)
    expect(fences()).toHaveLength(2)
    // How long is told, since a fencer may want to wait.
    const [first = 0, second = 0] = silences(core)
    expect(first).toBeGreaterThan(fenceAfterMs)
    expect(second).toBeGreaterThan(2 * fenceAfterMs)
    const unknown = new OneCore({
      mode: 'fail-stop',
      entries: [viewEntry(1, 1, all)],
      hardState: { clusterId: 'c' },
    })
    unknown.receive(B, unknown.append({ previous: { index: 1, term: 1 }, commitIndex: 1 }))
    unknown.pass(3 * fenceAfterMs)
    expect(unknown.effects.filter((effect) => effect.type === 'fence')).toEqual([])
  })

  it('a silent leader is fenced by its followers, the lowest id first, and by nobody else’s follower', () => {
    const core = follower()
    core.pass(core.core.limits.fenceAfterMs + core.core.limits.standStaggerMs + 20)
    expect(core.effects.filter((effect) => effect.type === 'fence')).toMatchObject([{ hello: { member: B } }])
  })
})

describe('rule 2: commit', () => {
  it('needs every member of the view', () => {
    const cluster = running()
    cluster.heldDisks.add(1)
    cluster.propose(0, 'a')
    cluster.settle()
    expect(cluster.core(0).commitIndex).toBe(1)
    cluster.heldDisks.clear()
    cluster.settle()
    expect(cluster.core(0).commitIndex).toBe(2)
  })

  it('needs the own disk, also where the new view needs nobody else', () => {
    const core = leader()
    const before = core.core.commitIndex
    core.slowDisk = true
    core.refuse(2)
    expect(core.view.members).toEqual([A])
    expect(core.core.commitIndex).toBe(before)
    core.flush()
    expect(core.core.commitIndex).toBeGreaterThan(before)
  })

  it('does not count what a member has not got the latest run of', () => {
    const core = leader()
    const { commitIndex } = core.core
    core.happens({ type: 'propose', payloads: [new Uint8Array(1)], wallTime: 0 })
    core.receive(member(2, 2), core.appended({}))
    expect(core.core.commitIndex).toBe(
      core.view.members.length === 1 ? core.core.log.last.index : commitIndex,
    )
    expect(core.view.members).toEqual([A])
  })
})

describe('rule 3: a follower dies', () => {
  it('an admitted leader goes on without it', () => {
    const cluster = running()
    cluster.crash(2)
    cluster.settle()
    expect(viewIds(cluster, 0)).toEqual([0, 1])
    cluster.propose(0, 'a')
    cluster.settle()
    expect(cluster.commands(0)).toEqual(['a'])
  })

  it('one that is not admitted yet gives up, and becomes a returnee again', () => {
    const core = recovering()
    for (const _ of ['before', 'in earnest'])
      for (const peer of [member(1, 2), member(2, 2)]) core.receive(peer, core.voteReply())
    expect(core.core).toMatchObject({ role: 'leader', admitted: false })
    core.refuse(2)
    expect(core.reports.at(-1)).toMatchObject({ type: 'leader', leader: null })
    expect(core.reports).toContainEqual({
      type: 'gave up leading',
      term: core.core.term,
      why: 'a member died before the first view was in force',
    })
    expect(roleOf(core.core)).toBe('returnee')
  })
})

describe('rule 4: the leader dies', () => {
  it('the lowest surviving id stands first', () => {
    const cluster = running()
    cluster.crash(0)
    cluster.pass(50)
    expect(cluster.leaders()).toEqual([1])
  })

  it('stands in the moment of the proof if it has the turn or comes to have it, before time passes', () => {
    const first = follower()
    first.refuse(1)
    expect(first.core.role).toBe('candidate')
    const second = new OneCore({
      mode: 'fail-stop',
      id: 2,
      entries: [viewEntry(1, 1, all)],
      hardState: { clusterId: 'c' },
    })
    for (const peer of [A, B]) second.connect(peer)
    second.receive(A, second.append({ previous: { index: 1, term: 1 }, commitIndex: 1 }))
    second.refuse(0)
    expect(second.core.role).toBe('follower')
    second.refuse(1)
    expect(second.core.role).toBe('leader')
  })

  it('one that is not admitted does not stand, though its log names it', () => {
    const core = new OneCore({ mode: 'fail-stop', id: 2, hardState: { clusterId: 'c' } })
    core.receive(A, core.append({ term: 1, entries: [viewEntry(1, 1, all)] }))
    core.connect(A)
    core.refuse(0)
    core.pass(1_000)
    expect(core.core).toMatchObject({ role: 'follower', admitted: false })
  })

  it('a silent survivor that is not proven dead has to vote', () => {
    const core = follower()
    core.refuse(1)
    core.pass(200)
    expect(core.core.role).toBe('candidate')
    expect(explainWaiting(core.core)[0]).toMatchObject({ for: 'votes', replicas: [2] })
    core.refuse(2)
    expect(core.core.role).toBe('leader')
    expect(core.view.members).toEqual([A])
  })

  it('who has a leader that lives does not vote, but at its wish; a leader does not, either', () => {
    const core = follower()
    const ask = (transfer: boolean): unknown =>
      only('voteReply', core.receive(C, core.voteRequest({ transfer })))[0]
    expect(ask(false)).toMatchObject({ granted: false, refusal: 'has a leader' })
    expect(ask(true)).toMatchObject({ granted: true })
    const leading = leader()
    const request = leading.voteRequest({})
    expect(only('voteReply', leading.receive(C, request))[0]).toMatchObject({
      granted: false,
      refusal: 'is the leader',
    })
    expect(leading.core.role).toBe('leader')
    leading.receive(C, { ...request, transfer: true })
    expect(leading.core).toMatchObject({ role: 'follower', votedFor: 2 })
  })

  it('a vote freezes the log for earlier terms', () => {
    const core = follower()
    core.refuse(1)
    core.receive(C, core.voteRequest({ term: 2 }))
    const [answer] = only('appended', core.receive(member(1, 2), core.append({ term: 1 })))
    expect(answer).toMatchObject({ accepted: false, term: 2 })
  })

  it('nothing is served before the first view is in force', () => {
    const core = follower()
    core.refuse(1)
    core.pass(200)
    core.receive(C, core.voteReply())
    core.receive(C, core.voteReply())
    const payloads = [new Uint8Array(1)]
    expect(core.happens({ type: 'propose', payloads, wallTime: 0 })).toContainEqual({
      type: 'proposalRefused',
      why: 'not ready',
    })
    core.happens({ type: 'read', ticket: 3 })
    expect(core.effects).not.toContainEqual({ type: 'readReady', ticket: 3 })
    core.receive(C, core.appended({}))
    core.happens({ type: 'applied', index: core.core.commitIndex })
    expect(core.effects).toContainEqual({ type: 'readReady', ticket: 3 })
    expect(core.happens({ type: 'propose', payloads, wallTime: 0 })).toContainEqual({
      type: 'proposed',
      first: core.core.log.last.index,
      term: core.core.term,
    })
  })

  it('admission spreads with what anybody knows to be committed', () => {
    for (const spread of ['presence', 'voteRequest', 'voteReply'] as const) {
      const core = new OneCore({ mode: 'fail-stop', hardState: { clusterId: 'c' } })
      core.receive(B, core.append({ term: 1, entries: [viewEntry(1, 1, all), command(2, 1)] }))
      expect(core.core.admitted).toBe(false)
      const commit = { index: 1, term: 1 }
      // Another history at the same place says nothing about this one.
      core.receive(C, core.presence({ commit: { index: 1, term: 7 } }))
      expect(core.core.admitted).toBe(false)
      if (spread === 'presence') core.receive(C, core.presence({ commit }))
      else if (spread === 'voteRequest') core.receive(C, core.voteRequest({ commit }))
      else core.receive(C, core.voteReply({ commit, granted: false }))
      expect(core.core.admitted).toBe(true)
    }
  })
})

describe('rule 4: a leader that gives up', () => {
  it('says so by its presence, and its followers look for another', () => {
    const core = follower()
    core.receive(C, core.presence({ leader: 1 }))
    expect(core.core.leader).toEqual(B)
    // What it said in an earlier term is older than its leadership.
    core.receive(B, core.presence({ term: 0 }))
    expect(core.core.leader).toEqual(B)
    core.receive(B, core.presence({}))
    expect(core.core.leader).toBeNull()
  })
})

describe('another cluster', () => {
  it('whose view gets into the log stops the replica', () => {
    const core = follower()
    const foreign = { ...all, clusterId: 'another' }
    core.receive(B, core.append({ previous: { index: 1, term: 1 }, entries: [viewEntry(2, 1, foreign)] }))
    expect(core.halted).toBe('entry 2 is of the cluster another, this replica of c')
  })
})

describe('rule 5: coming back', () => {
  it('a returnee truncates to the log of the leader, catches up, and is named', () => {
    const cluster = running()
    cluster.heldDisks.add(1)
    cluster.heldDisks.add(2)
    cluster.propose(0, 'of the old leader')
    cluster.settle()
    cluster.heldDisks.clear()
    cluster.cut.add('0>1')
    cluster.cut.add('0>2')
    cluster.crash(0)
    cluster.cut.clear()
    cluster.pass(200)
    cluster.propose(1, 'of the new one')
    cluster.settle()
    cluster.start(0)
    expect(roleOf(cluster.core(0))).toBe('learner')
    cluster.pass(300)
    expect(roleOf(cluster.core(0))).toBe('follower')
    expect(cluster.core(0).log.last).toEqual(cluster.core(1).log.last)
    expect(cluster.commands(0)).toEqual(cluster.commands(1))
  })

  it('one at a time, each view in force before the next', () => {
    const cluster = new CoreCluster('fail-stop', [0, 1, 2, 3], { joinRoundMs: Number.POSITIVE_INFINITY })
    cluster.start(0, 1, 2, 3)
    cluster.pass(200)
    cluster.crash(2, 3)
    cluster.pass(100)
    cluster.heldDisks.add(2)
    cluster.heldDisks.add(3)
    cluster.start(2, 3)
    cluster.pass(300)
    // Both have nearly caught up, but the second is not named before the first has the view.
    expect(viewIds(cluster, 0)).toHaveLength(3)
    cluster.heldDisks.clear()
    cluster.pass(300)
    expect(viewIds(cluster, 0)).toEqual([0, 1, 2, 3])
  })

  it('one that lags by more than the limit is not named yet, for writes would wait for it', () => {
    const cluster = new CoreCluster('fail-stop', [0, 1], {
      joinLagEntries: 3,
      appendBytes: 1,
      inflightMessages: 1,
    })
    cluster.start(0, 1)
    cluster.pass(200)
    cluster.crash(1)
    cluster.settle()
    for (let count = 0; count < 20; count++) cluster.propose(0, `${count}`)
    cluster.settle()
    cluster.heldDisks.add(1)
    cluster.start(1)
    cluster.pass(200)
    expect(viewIds(cluster, 0)).toEqual([0])
    expect(explainWaiting(cluster.core(1))[0]).toMatchObject({ for: 'catching up', replicas: [0] })
    cluster.heldDisks.clear()
    cluster.pass(300)
    expect(viewIds(cluster, 0)).toEqual([0, 1])
  })
})

describe('rule 5: a returnee whose disk is slow', () => {
  const B2 = member(1, 2)

  /** The view, when replica 1 came back and lacked one more entry at each of its answers, which came so late. */
  function viewAfter(rounds: number, roundMs: number): number[] {
    const core = leader({ joinRoundMs: 30, joinRounds: 5, stallMs: 10_000, fenceAfterMs: 10_000 })
    core.connect(B2)
    for (let round = 0; round < rounds; round++) {
      const { index } = core.core.log.last
      core.happens({ type: 'propose', payloads: [new Uint8Array(1)], wallTime: 1 })
      core.tick(roundMs)
      core.receive(C, core.appended({ matchIndex: index + 1 }))
      core.receive(B2, core.appended({ matchIndex: index }))
    }
    core.tick(1)
    return core.view.members.map(({ id }) => id)
  }

  it('is named when it keeps pace', () => {
    expect(viewAfter(3, 20)).toEqual([0, 1, 2])
  })

  it('is not named while it does not, for all writes would wait for it', () => {
    expect(viewAfter(3, 40)).toEqual([0, 2])
  })

  it('is named all the same after so many rounds, for a slow copy is better than none', () => {
    expect(viewAfter(7, 40)).toEqual([0, 1, 2])
  })
})

describe('rule 7: reads at a leader', () => {
  it('whose view is in force are answered without a message', () => {
    const core = leader()
    core.happens({ type: 'applied', index: core.core.commitIndex })
    const effects = core.happens({ type: 'read', ticket: 4 })
    expect(effects).toEqual([{ type: 'readReady', ticket: 4 }])
  })

  it('see everything that was committed when they were asked', () => {
    const core = leader()
    expect(core.happens({ type: 'read', ticket: 4 })).toEqual([])
    core.happens({ type: 'applied', index: core.core.commitIndex - 1 })
    expect(core.effects).not.toContainEqual({ type: 'readReady', ticket: 4 })
    core.happens({ type: 'applied', index: core.core.commitIndex })
    expect(core.effects).toContainEqual({ type: 'readReady', ticket: 4 })
  })
})

describe('rule 8: a replica that missed its own ticks', () => {
  it('answers no read before a fresh round, or fresh proof', () => {
    for (const how of ['round', 'proof'] as const) {
      const core = leader()
      core.happens({ type: 'applied', index: core.core.commitIndex })
      core.tick(core.core.limits.stallMs + 1)
      expect(core.reports).toContainEqual({ type: 'stalled', ms: core.core.limits.stallMs + 1 })
      core.happens({ type: 'read', ticket: 4 })
      expect(core.effects).not.toContainEqual({ type: 'readReady', ticket: 4 })
      if (how === 'round') core.receive(C, core.appended({}))
      else {
        core.refuse(2)
        core.happens({ type: 'applied', index: core.core.commitIndex })
        core.happens({ type: 'read', ticket: 5 })
      }
      expect(core.effects).toContainEqual({ type: 'readReady', ticket: 4 })
    }
  })

  it('also holds reads that were asked before', () => {
    const core = leader()
    core.happens({ type: 'read', ticket: 4 })
    core.tick(core.core.limits.stallMs + 1)
    core.happens({ type: 'applied', index: core.core.commitIndex })
    expect(core.effects).not.toContainEqual({ type: 'readReady', ticket: 4 })
  })

  it('does not take the others for silent: they get their time again', () => {
    const core = leader()
    core.pass(core.core.limits.fenceAfterMs - 100)
    core.tick(core.core.limits.fenceAfterMs * 10)
    expect(core.effects.filter((effect) => effect.type === 'fence')).toEqual([])
    core.pass(core.core.limits.fenceAfterMs + 20)
    expect(core.effects.filter((effect) => effect.type === 'fence')).toHaveLength(1)
    // Of what was before nothing counts.
    expect(silences(core)[0]).toBeLessThan(2 * core.core.limits.fenceAfterMs)
  })

  it('ends a candidacy, and takes no old presence for news', () => {
    const core = follower()
    core.refuse(1)
    core.pass(200)
    expect(core.core.role).toBe('candidate')
    core.tick(core.core.limits.stallMs + 1)
    expect(core.core.role).toBe('follower')
    expect(core.core.peers.get(2)?.presenceAt).toBe(-1)
  })
})

describe('rule 9: a replaced disk', () => {
  it('is a new member: it waits for proof about the old one, then joins', () => {
    const cluster = running()
    cluster.crash(2)
    cluster.settle()
    const { disk } = cluster.node(2)
    cluster.node(2).disk = {
      ...disk,
      hardState: { term: 0, votedFor: null, clusterId: '' },
      entries: [],
      incarnation: 0,
      name: 'new',
    }
    cluster.start(2)
    cluster.pass(300)
    expect(currentView(cluster.core(0)).members).toContainEqual({ id: 2, disk: 'new', incarnation: 1 })
    expect(cluster.core(2).log.last).toEqual(cluster.core(0).log.last)
  })

  it('does not count as the old one after a total crash, and status says so', () => {
    const cluster = running()
    cluster.crash(0, 1, 2)
    cluster.node(2).disk = {
      hardState: { term: 0, votedFor: null, clusterId: '' },
      entries: [],
      incarnation: 0,
      name: 'new',
    }
    cluster.start(0, 1, 2)
    cluster.pass(1_000)
    expect(cluster.leaders()).toEqual([])
    expect(explainWaiting(cluster.core(0))[0]).toMatchObject({
      for: 'admission of a new disk',
      replicas: [2],
    })
  })
})

describe('how many crashes can be taken', () => {
  it('counts who has learned that it is admitted, and nobody else', () => {
    const cluster = running()
    expect(crashesTolerated(cluster.core(0))).toBe(2)
    cluster.crash(2)
    cluster.settle()
    expect(crashesTolerated(cluster.core(0))).toBe(1)
    // The view that names it again is in force, and nobody has told it.
    cluster.start(2)
    while (cluster.core(0).commitIndex < currentView(cluster.core(0)).index || viewIds(cluster, 0).length < 3)
      cluster.pass(10)
    const told = cluster.core(0).lead?.progress.get(2)
    if (told === undefined) throw new Error('no progress')
    told.knownCommit = 0
    expect(crashesTolerated(cluster.core(0))).toBe(1)
    cluster.pass(100)
    expect(crashesTolerated(cluster.core(0))).toBe(2)
  })

  it('none while the view is not in force, or nobody leads', () => {
    const cluster = running()
    cluster.heldDisks.add(1)
    cluster.crash(2)
    cluster.settle()
    expect(crashesTolerated(cluster.core(0))).toBe(0)
    cluster.heldDisks.clear()
    cluster.crash(0)
    expect(crashesTolerated(cluster.core(1))).toBe(0)
  })

  it('on a follower: as the view it knows allows', () => {
    expect(crashesTolerated(running().core(1))).toBe(2)
  })

  it('does not count a member that is silent or out of reach', () => {
    const core = leader()
    core.receive(C, core.appended({}))
    expect(crashesTolerated(core.core)).toBe(1)
    core.pass(core.core.limits.stallMs + 20)
    expect(crashesTolerated(core.core)).toBe(0)
  })
})

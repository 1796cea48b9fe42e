import { describe, expect, it } from 'vitest'
import { explainWaiting } from '../src/core/explain.ts'
import type { VoteRefusal } from '../src/core/messages.ts'
import { currentView } from '../src/core/state.ts'
import { CoreCluster } from './core-cluster.ts'
import { command, member, OneCore, type OneCoreOptions, only, viewEntry, viewOf } from './one-core.ts'

const all = viewOf(member(0), member(1), member(2))
const [A2, B2, C2] = [member(0, 2), member(1, 2), member(2, 2)]

/** Replica 0 after a total crash; its disk has the view of all and two commands. */
function returnee(options: OneCoreOptions = {}): OneCore {
  const entries = [viewEntry(1, 1, all), command(2, 1), command(3, 1)]
  return new OneCore({ mode: 'fail-stop', incarnation: 2, entries, ...options })
}

describe('rule 6: a returnee begins a recovery', () => {
  it('once all members of the newest view are back, with a view of exactly those', () => {
    const core = returnee()
    core.connect(B2)
    core.receive(B2, core.presence({}))
    core.pass(1_000)
    core.receive(B2, core.presence({}))
    expect(core.core.role).toBe('follower')
    expect(explainWaiting(core.core)[0]).toMatchObject({ for: 'members of the newest view', replicas: [2] })
    core.connect(C2)
    for (const peer of [B2, C2]) core.receive(peer, core.presence({}))
    expect(explainWaiting(core.core)[0]).toMatchObject({ for: 'votes', replicas: [0, 1, 2] })
    core.tick(10)
    expect(core.core.campaign).toMatchObject({ recovery: true })
    for (const _ of ['before', 'in earnest'])
      for (const peer of [B2, C2]) core.receive(peer, core.voteReply())
    expect(core.core.role).toBe('leader')
    expect(core.view.members).toEqual([A2, B2, C2])
    // Nobody is admitted, and nothing is served, before that view is in force.
    expect(core.core.admitted).toBe(false)
    for (const peer of [B2, C2]) core.receive(peer, core.appended({}))
    expect(core.core.admitted).toBe(true)
  })

  it('not if another has a more up-to-date log, or the same and a lower id', () => {
    for (const [id, last] of [
      [0, { index: 9, term: 1 }],
      [2, { index: 3, term: 1 }],
    ] as const) {
      const core = returnee({ id, disk: `disk${id}` })
      for (const peer of [A2, B2, C2].filter((other) => other.id !== id)) {
        core.connect(peer)
        core.receive(peer, core.presence({ last: peer.id === 1 ? last : { index: 3, term: 1 } }))
      }
      core.pass(200)
      expect(core.core.campaign).toBeNull()
    }
  })

  it('not by what it heard long ago, of whom it cannot reach, or of who is admitted', () => {
    const stale = returnee()
    for (const peer of [B2, C2]) {
      stale.connect(peer)
      stale.receive(peer, stale.presence({ last: { index: 9, term: 9 } }))
    }
    stale.pass(stale.core.limits.campaignMs + 20)
    expect(explainWaiting(stale.core)[0]).toMatchObject({ replicas: [1, 2] })
    const broken = returnee()
    for (const peer of [B2, C2]) {
      broken.connect(peer)
      broken.receive(peer, broken.presence({}))
    }
    broken.refuse(1)
    expect(explainWaiting(broken.core)[0]).toMatchObject({ replicas: [1] })
    const admitted = returnee()
    for (const peer of [B2, C2]) {
      admitted.connect(peer)
      admitted.receive(peer, admitted.presence({ admitted: peer.id === 1 }))
    }
    expect(explainWaiting(admitted.core)[0]).toMatchObject({ replicas: [1] })
  })

  it('not once the answers have brought the news that admits it: then it stands as who has survived', () => {
    const core = returnee()
    for (const peer of [B2, C2]) core.connect(peer)
    const view = viewEntry(4, 2, viewOf(A2, B2, C2))
    core.receive(B2, core.append({ term: 2, previous: { index: 3, term: 1 }, entries: [view] }))
    // Its leader gives up before anybody has learned that this view is in force.
    for (const peer of [B2, C2]) core.receive(peer, core.presence({}))
    core.pass(200)
    expect(core.core.campaign).toMatchObject({ recovery: true, phase: 'pre' })
    for (const peer of [B2, C2]) core.receive(peer, core.voteReply({ commit: { index: 4, term: 2 } }))
    expect(core.core).toMatchObject({ admitted: true, term: 2 })
    expect(only('voteRequest', core.messages).some(({ pre, recovery }) => recovery && !pre)).toBe(false)
    core.pass(1_000)
    expect(core.core.campaign).toMatchObject({ recovery: false })
  })

  it('not while it follows a leader', () => {
    const core = returnee()
    for (const peer of [B2, C2]) {
      core.connect(peer)
      core.receive(peer, core.presence({}))
    }
    core.receive(B2, core.append({ term: 5, previous: { index: 3, term: 1 } }))
    core.pass(500)
    expect(core.core.campaign).toBeNull()
  })

  it('and needs every vote: a voter that dies after the recovery began ends it', () => {
    const core = returnee()
    for (const peer of [B2, C2]) {
      core.connect(peer)
      core.receive(peer, core.presence({}))
    }
    core.tick(10)
    core.receive(B2, core.voteReply())
    core.refuse(2)
    core.receive(B2, core.voteReply())
    expect(core.core.role).toBe('candidate')
    core.pass(core.core.limits.campaignMs + 20)
    expect(core.core).toMatchObject({ role: 'follower', admitted: false })
  })

  it('leads with who voted, though one has died since, and then gives up', () => {
    const core = returnee()
    for (const peer of [B2, C2]) {
      core.connect(peer)
      core.receive(peer, core.presence({}))
    }
    core.tick(10)
    core.receive(B2, core.voteReply())
    core.receive(C2, core.voteReply())
    core.receive(C2, core.voteReply())
    core.refuse(2)
    core.receive(B2, core.voteReply())
    expect(core.reports).toContainEqual(expect.objectContaining({ type: 'role', role: 'leader' }))
    core.tick(10)
    expect(core.core).toMatchObject({ role: 'follower', admitted: false })
  })
})

describe('rule 6: a returnee votes in a recovery', () => {
  const cases: {
    words: string
    request: Parameters<OneCore['voteRequest']>[0]
    refusal: VoteRefusal | null
  }[] = [
    { words: 'for one that has all it has', request: {}, refusal: null },
    { words: 'for one that has more', request: { last: { index: 9, term: 2 } }, refusal: null },
    {
      words: 'for one with a shorter log',
      request: { last: { index: 2, term: 1 } },
      refusal: 'log is more up to date',
    },
    {
      words: 'for one with an older view',
      request: { last: { index: 9, term: 9 }, view: { ...all, index: 0, term: 0 } },
      refusal: 'knows a newer view',
    },
    { words: 'for one of an old term', request: { term: 0 }, refusal: 'stale term' },
  ]
  it.each(cases)('$words: $refusal', ({ request, refusal }) => {
    const core = returnee()
    const [reply] = only('voteReply', core.receive(B2, core.voteRequest({ recovery: true, ...request })))
    expect(reply).toMatchObject({ granted: refusal === null, refusal })
  })

  it('not if it is admitted, or follows a leader that lives', () => {
    const core = returnee()
    const again = viewOf(A2, B2, C2)
    core.receive(
      B2,
      core.append({ term: 2, previous: { index: 3, term: 1 }, entries: [viewEntry(4, 2, again)] }),
    )
    const ask = (): unknown => only('voteReply', core.receive(C2, core.voteRequest({ recovery: true })))[0]
    expect(ask()).toMatchObject({ refusal: 'has a leader' })
    core.receive(B2, core.append({ term: 2, previous: { index: 4, term: 2 }, commitIndex: 4 }))
    core.connect(B2)
    core.refuse(1)
    expect(ask()).toMatchObject({ refusal: 'is admitted' })
  })
})

describe('rule 4: a candidate takes over the best log of its voters', () => {
  const entries = [viewEntry(1, 1, all), command(2, 1)]

  /** Replica 0, admitted, stands after replica 1 has died; replica 2 has voted, and has `last`. */
  function candidate(last: { index: number; term: number }, more: OneCoreOptions = {}): OneCore {
    const core = new OneCore({ mode: 'fail-stop', entries, ...more })
    for (const peer of [member(1), member(2)]) core.connect(peer)
    core.receive(member(1), core.append({ previous: core.core.log.last, commitIndex: 1 }))
    core.refuse(1)
    core.pass(200)
    core.receive(member(2), core.voteReply({ last }))
    core.receive(member(2), core.voteReply({ last }))
    return core
  }

  it('entry by entry, and leads with it', () => {
    const core = candidate({ index: 4, term: 1 })
    expect(core.core).toMatchObject({
      role: 'candidate',
      campaign: { phase: 'adopt', pullingFrom: member(2) },
    })
    expect(only('pull', core.messages).at(-1)).toMatchObject({ previous: { index: 2, term: 1 } })
    const pulled = {
      type: 'pulled',
      term: core.core.term,
      matched: true,
      last: { index: 4, term: 1 },
    } as const
    const first = { index: 2, term: 1 }
    const more = core.receive(member(2), {
      ...pulled,
      previous: first,
      hint: first,
      entries: [command(3, 1)],
    })
    expect(only('pull', more)).toMatchObject([{ previous: { index: 3, term: 1 } }])
    const second = { index: 3, term: 1 }
    core.receive(member(2), { ...pulled, previous: second, hint: second, entries: [command(4, 1)] })
    expect(core.core.role).toBe('leader')
    expect(core.core.log.last).toEqual({ ...core.core.log.last, index: 5, term: core.core.term })
  })

  it('finds where the logs agree, and what it had instead is gone', () => {
    const more = [viewEntry(1, 1, all), command(2, 2), command(3, 2)]
    const core = candidate({ index: 3, term: 3 }, { entries: more })
    const agreed = { index: 1, term: 1 }
    const pulled = { type: 'pulled', term: core.core.term, last: { index: 3, term: 3 } } as const
    const again = core.receive(member(2), {
      ...pulled,
      matched: false,
      previous: { index: 3, term: 2 },
      hint: agreed,
      entries: [],
    })
    expect(only('pull', again)).toMatchObject([{ previous: agreed }])
    // What does not follow is asked for again.
    const odd = core.receive(member(2), {
      ...pulled,
      matched: true,
      previous: { index: 2, term: 9 },
      hint: agreed,
      entries: [],
    })
    expect(only('pull', odd)).toHaveLength(1)
    core.receive(member(2), {
      ...pulled,
      matched: true,
      previous: agreed,
      hint: agreed,
      entries: [command(2, 3), command(3, 3)],
    })
    expect(core.terms).toEqual([1, 3, 3, core.core.term])
  })

  it('then needs the votes of the view in that log', () => {
    const four = [0, 1, 2, 3]
    const core = candidate({ index: 3, term: 1 }, { members: four })
    const grown = viewOf(member(0), member(1), member(2), member(3))
    core.connect(member(3))
    const asked = core.receive(member(2), {
      type: 'pulled',
      term: core.core.term,
      previous: { index: 2, term: 1 },
      matched: true,
      hint: { index: 2, term: 1 },
      entries: [viewEntry(3, 1, grown)],
      last: { index: 3, term: 1 },
    })
    expect(core.core.role).toBe('candidate')
    expect(only('voteRequest', asked)).toMatchObject([{ term: core.core.term, view: { index: 3 } }])
    core.receive(member(3), core.voteReply({ last: { index: 3, term: 1 } }))
    expect(core.core.role).toBe('leader')
    expect(core.view.members.map(({ id }) => id)).toEqual([0, 2, 3])
  })

  it('and not of one that has died, of whom nothing can be had', () => {
    const core = candidate({ index: 4, term: 1 })
    core.refuse(2)
    core.tick(10)
    expect(core.core.role).toBe('follower')
    core.pass(200)
    expect(core.core.role).toBe('leader')
    expect(core.view.members).toEqual([member(0)])
  })

  it('and not that of a voter that has died before all votes were there', () => {
    const core = candidate(
      { index: 2, term: 1 },
      {
        members: [0, 1, 2, 3],
        entries: [viewEntry(1, 1, viewOf(...[0, 1, 2, 3].map((id) => member(id)))), command(2, 1)],
      },
    )
    core.connect(member(3))
    core.receive(member(3), core.voteReply({ last: { index: 9, term: 1 } }))
    core.receive(member(3), core.voteReply({ last: { index: 9, term: 1 } }))
    core.refuse(3)
    core.receive(member(2), core.voteReply({ last: { index: 2, term: 1 } }))
    expect(only('pull', core.messages)).toEqual([])
    expect(core.core.role).toBe('leader')
    expect(core.view.members.map(({ id }) => id)).toEqual([0, 2])
  })

  it('gives up when the link it pulls over opens anew, for what was asked is lost', () => {
    const core = candidate({ index: 4, term: 1 })
    core.connect(member(2))
    expect(core.core.role).toBe('follower')
  })

  it('answers only what it was asked: nothing of another term or from somebody else', () => {
    const core = candidate({ index: 4, term: 1 })
    const before = { index: 2, term: 1 }
    const pulled = {
      type: 'pulled',
      matched: true,
      previous: before,
      hint: before,
      last: { index: 4, term: 1 },
    } as const
    const both = [command(3, 1), command(4, 1)]
    core.receive(member(2), { ...pulled, term: core.core.term - 1, entries: both })
    core.receive(member(1, 2), { ...pulled, term: core.core.term, entries: both })
    expect(core.core.log.last.index).toBe(2)
  })

  it('a voter gives its log to the one that holds its vote, and says where they agree', () => {
    const voter = new OneCore({ mode: 'fail-stop', entries: [...entries, command(3, 1)] })
    const [pull] = [{ type: 'pull', term: 2, previous: { index: 2, term: 1 } } as const]
    expect(voter.receive(member(1), pull)).toEqual([])
    voter.receive(member(1), voter.voteRequest({ term: 2 }))
    expect(voter.receive(member(2), pull)).toEqual([])
    expect(only('pulled', voter.receive(member(1), pull))).toMatchObject([
      { matched: true, entries: [{ index: 3 }], last: { index: 3, term: 1 } },
    ])
    expect(
      only('pulled', voter.receive(member(1), { ...pull, previous: { index: 3, term: 0 } })),
    ).toMatchObject([{ matched: false, hint: { index: 0 }, entries: [] }])
    // Nothing more to give.
    expect(
      only('pulled', voter.receive(member(1), { ...pull, previous: { index: 3, term: 1 } })),
    ).toMatchObject([{ matched: true, entries: [], previous: { index: 3, term: 1 } }])
  })

  it('from its storage, if it is no longer in memory', () => {
    const voter = new OneCore({ mode: 'fail-stop', entries: [...entries, command(3, 1)], notInMemory: 2 })
    voter.receive(member(1), voter.voteRequest({ term: 2 }))
    const pull = { type: 'pull', term: 2, previous: { index: 1, term: 1 } } as const
    const effects = voter.happens({ type: 'receive', from: member(1), message: pull })
    expect(effects).toMatchObject([{ type: 'readLog', peer: 1, from: 2 }])
    const read = { type: 'logRead', peer: 1, from: 2, entries: [command(2, 1), command(3, 1)] } as const
    expect(voter.happens(read)).toMatchObject([
      { type: 'send', message: { type: 'pulled', previous: { index: 1 } } },
    ])
    // Its vote has gone elsewhere meanwhile: what was read is for nobody.
    voter.happens({ type: 'receive', from: member(1), message: pull })
    voter.receive(member(2), voter.voteRequest({ term: 3 }))
    expect(voter.happens(read)).toEqual([])
  })
})

describe('the safety argument of SPEC.md, told by a cluster', () => {
  function running(): CoreCluster {
    const cluster = new CoreCluster('fail-stop', [0, 1, 2])
    cluster.start(0, 1, 2)
    cluster.pass(200)
    return cluster
  }

  it('two replicas record different views: the newer one decides who must be back', () => {
    const cluster = running()
    cluster.crash(2)
    cluster.settle()
    // 0 removes 1 on its own disk only, and 1 goes on without 0.
    cluster.crash(0)
    cluster.pass(200)
    cluster.propose(1, 'only at 1')
    cluster.settle()
    cluster.crash(1)
    cluster.start(0, 2)
    cluster.pass(1_000)
    expect(cluster.leaders()).toEqual([])
    cluster.start(1)
    cluster.pass(500)
    expect(cluster.leaders()).toHaveLength(1)
    for (const id of [0, 1, 2]) expect(cluster.commands(id)).toEqual(['only at 1'])
  })

  it('the restart of any subset after a total crash waits for the rest, in any order', () => {
    for (const order of [
      [0, 1, 2],
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
      [2, 1, 0],
    ]) {
      const cluster = running()
      cluster.propose(0, 'kept')
      cluster.settle()
      cluster.crash(0, 1, 2)
      for (const id of order) {
        expect(cluster.leaders()).toEqual([])
        cluster.start(id)
        cluster.pass(600)
      }
      expect(cluster.leaders()).toHaveLength(1)
      for (const id of order) expect(cluster.commands(id)).toEqual(['kept'])
    }
  })

  it('a half election, whose candidate dies, hinders nobody for long', () => {
    const cluster = running()
    cluster.crash(0)
    // 1 gets the vote of 2, and dies before it leads.
    for (let passed = 0; cluster.core(2).votedFor !== 1 && passed < 500; passed++) {
      cluster.now += 1
      for (const id of [1, 2]) cluster.dispatch(id, { type: 'tick', wallTime: cluster.now })
      cluster.settle()
    }
    cluster.crash(1)
    cluster.pass(1_500)
    expect(cluster.leaders()).toEqual([2])
    expect(currentView(cluster.core(2)).members.map(({ id }) => id)).toEqual([2])
  })

  it('a recovery that loses a member half-way begins anew when it is back', () => {
    const cluster = running()
    cluster.propose(0, 'kept')
    cluster.settle()
    cluster.crash(0, 1, 2)
    cluster.heldDisks.add(2)
    cluster.start(0, 1, 2)
    cluster.pass(200)
    cluster.crash(2)
    cluster.heldDisks.clear()
    cluster.pass(1_000)
    expect(cluster.leaders()).toEqual([])
    cluster.start(2)
    cluster.pass(1_000)
    expect(cluster.leaders()).toHaveLength(1)
    expect(cluster.commands(2)).toEqual(['kept'])
  })

  it('an entry that one disk has and nobody acknowledged may come or go, but the same everywhere', () => {
    const cluster = running()
    cluster.heldDisks.add(1)
    cluster.propose(0, 'perhaps')
    cluster.settle()
    cluster.crash(0, 1, 2)
    cluster.heldDisks.clear()
    cluster.start(0, 1, 2)
    cluster.pass(500)
    expect(cluster.commands(1)).toEqual(cluster.commands(0))
    expect(cluster.commands(2)).toEqual(cluster.commands(0))
  })
})

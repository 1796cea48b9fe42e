import { describe, expect, it } from 'vitest'
import { crashesTolerated, explainWaiting, roleOf } from '../src/core/explain.ts'
import type { VoteRefusal } from '../src/core/messages.ts'
import type { Waiting } from '../src/status.ts'
import { command, commands, member, OneCore, only, viewEntry, viewOf } from './one-core.ts'
import { isolate, leaderOf, running } from './raft-cluster.ts'

const [A, B, C] = [member(0), member(1), member(2)]
const all = viewOf(A, B, C)

/** Replica 0 follows 1 in fail-stop mode, admitted. */
function follower(): OneCore {
  const core = new OneCore({
    mode: 'fail-stop',
    entries: [viewEntry(1, 1, all)],
    hardState: { clusterId: 'c' },
  })
  for (const peer of [B, C]) core.connect(peer)
  core.receive(B, core.append({ previous: { index: 1, term: 1 }, commitIndex: 1 }))
  return core
}

/** Replica 0 leads 2, in fail-stop mode. */
function leader(): OneCore {
  const core = follower()
  core.refuse(1)
  core.pass(200)
  for (const _ of ['before', 'in earnest']) core.receive(C, core.voteReply())
  return core
}

function propose(core: OneCore): void {
  core.happens({ type: 'propose', payloads: [new Uint8Array(1)], wallTime: 0 })
}

/** One way to get to each thing that can be waited for. A value that nobody can get to does not compile here, or fails below. */
const ways: Record<Waiting['for'], { replicas: number[]; words: string; way: () => OneCore }> = {
  'members of the newest view': {
    replicas: [1, 2],
    words: 'start them to go on',
    way: () => new OneCore({ mode: 'fail-stop', incarnation: 2, entries: [viewEntry(1, 1, all)] }),
  },
  'a replica that is turned away': {
    replicas: [2],
    words: 'replica 2 runs and is turned away: it belongs to another cluster',
    way: () => {
      const core = leader()
      const reason = 'it belongs to another cluster'
      core.happens({ type: 'observe', observation: { type: 'disconnected', peer: 2 } })
      core.happens({ type: 'observe', observation: { type: 'rejected', peer: 2, reason } })
      return core
    },
  },
  votes: {
    replicas: [2],
    words: 'an election is under way',
    way: () => {
      const core = follower()
      core.refuse(1)
      core.pass(200)
      return core
    },
  },
  'proof about a silent member': {
    replicas: [2],
    words: 'replica 2 is silent: writes wait for an answer or for proof of death',
    way: () => {
      const core = leader()
      core.receive(C, core.appended({}))
      propose(core)
      core.pass(core.core.limits.stallMs + 20)
      return core
    },
  },
  'a quorum': {
    replicas: [1, 2],
    words: 'no answer from replicas 1 and 2: writes wait for a majority',
    way: () => {
      const core = new OneCore()
      core.elect(B, C)
      core.pass(core.core.limits.stallMs + 20)
      return core
    },
  },
  'the first commit of the term': {
    replicas: [2],
    words: 'the first entry of this term is not on enough disks yet',
    way: leader,
  },
  'acknowledgement of a slow member': {
    replicas: [2],
    words: '1 entries wait for the disk of replica 2',
    way: () => {
      const core = leader()
      core.receive(C, core.appended({}))
      propose(core)
      return core
    },
  },
  'catching up': {
    replicas: [1],
    words: 'replica 1 brings this replica up to date',
    way: () => {
      const core = new OneCore({ mode: 'fail-stop', incarnation: 2 })
      core.receive(B, core.append({ term: 1, entries: [viewEntry(1, 1, viewOf(B, C))] }))
      return core
    },
  },
  'own disk': {
    replicas: [0],
    words: "1 entries wait for this replica's own disk",
    way: () => {
      const core = new OneCore({ members: [0] })
      core.elect()
      core.slowDisk = true
      propose(core)
      return core
    },
  },
  'room on a disk': {
    replicas: [2],
    words:
      'no room on the disk of replica 2: new writes are refused and those under way wait; free some space there',
    way: () => {
      const core = leader()
      core.receive(C, core.appended({ storageFull: true }))
      return core
    },
  },
  'a leader': {
    replicas: [2],
    words: 'replica 2 leads others, and has not spoken to this replica yet',
    way: () => {
      const core = new OneCore({ mode: 'fail-stop' })
      core.connect(B)
      core.receive(B, core.presence({ leader: 2, admitted: true }))
      return core
    },
  },
  'admission of a new disk': {
    replicas: [1],
    words: 'this replica has a new disk: it joins as soon as the old one is proven dead and it has caught up',
    way: () => {
      const core = new OneCore({ mode: 'fail-stop', disk: 'new' })
      core.receive(B, core.append({ term: 1, entries: [viewEntry(1, 1, all)] }))
      return core
    },
  },
}

describe('what a replica waits for', () => {
  it.each(Object.entries(ways))('%s', (name, { replicas, words, way }) => {
    const found = explainWaiting(way().core).filter((waiting) => waiting.for === name)
    expect(found).toHaveLength(1)
    expect(found[0]).toMatchObject({ replicas })
    expect(found[0]?.words).toContain(words)
    expect(found[0]?.sinceMs).toBeGreaterThanOrEqual(0)
  })

  it('nothing, where all is well', () => {
    const core = leader()
    core.receive(C, core.appended({}))
    expect(explainWaiting(core.core)).toEqual([])
    expect(explainWaiting(follower().core)).toEqual([])
  })

  it('a follower whose leader is silent, or dead and not yet replaced', () => {
    const core = follower()
    core.pass(core.core.limits.stallMs + 20)
    expect(explainWaiting(core.core)).toMatchObject([
      { for: 'proof about a silent member', replicas: [1], words: 'the leader, replica 1, is silent' },
    ])
  })

  it('survivors, of whom one is silent and none is dead', () => {
    const core = follower()
    core.refuse(1)
    core.pass(core.core.limits.stallMs + 100)
    expect(explainWaiting(core.core)).toMatchObject([
      { words: 'no leader yet: neither an answer from replica 2 nor proof of death' },
    ])
  })

  it('voters that are too few', () => {
    const cluster = running()
    const id = leaderOf(cluster)
    isolate(cluster, id)
    cluster.pass(3_000)
    const [waiting] = explainWaiting(cluster.core(id))
    expect(waiting).toMatchObject({ for: 'a quorum' })
    expect(waiting?.words).toContain('no leader: too few replicas answer')
    expect(waiting?.replicas).toHaveLength(2)
  })

  it('a new cluster for its first members, in other words than an old one', () => {
    const core = new OneCore({ mode: 'fail-stop' })
    expect(explainWaiting(core.core)[0]?.words).toBe(
      'a new cluster begins when all its members are there; replicas 1 and 2 are not: start them to go on',
    )
    const old = new OneCore({ mode: 'fail-stop', incarnation: 2, entries: [viewEntry(1, 1, viewOf(A, B))] })
    expect(explainWaiting(old.core)[0]?.words).toContain('the last view counts on replica 1')
  })

  it('in majority mode a new disk waits for the operator', () => {
    const core = new OneCore({ disk: 'new' })
    core.receive(B, core.append({ term: 1, entries: [viewEntry(1, 1, all)] }))
    expect(explainWaiting(core.core)[0]?.words).toContain('remove the member and add it again')
  })

  it('a leader that just lost its leadership has nothing of its own to wait for', () => {
    const core = leader()
    core.core.lead = null
    expect(explainWaiting(core.core)).toEqual([])
  })
})

describe('roles in the words of status', () => {
  it('tell a learner and a returnee from a follower', () => {
    expect(roleOf(follower().core)).toBe('follower')
    expect(roleOf(leader().core)).toBe('leader')
    expect(roleOf(ways['catching up'].way().core)).toBe('learner')
    expect(roleOf(ways['members of the newest view'].way().core)).toBe('returnee')
    expect(roleOf(ways.votes.way().core)).toBe('candidate')
  })
})

describe('how many crashes can be taken in majority mode', () => {
  it('as many as leave a majority of the voters that are up', () => {
    const cluster = running(5)
    const id = leaderOf(cluster)
    expect(crashesTolerated(cluster.core(id))).toBe(2)
    cluster.crash((id + 1) % 5)
    cluster.settle()
    expect(crashesTolerated(cluster.core(id))).toBe(1)
  })
})

/** One way to get to each reason for refusing a vote. */
const refusals: Record<VoteRefusal, () => unknown> = {
  'stale term': () => asked(new OneCore({ hardState: { term: 5 } }), { term: 4 }),
  'voted for another': () => asked(new OneCore({ hardState: { term: 5, votedFor: 2 } }), { term: 5 }),
  'has a leader': () => asked(follower(), {}, C),
  'is the leader': () => asked(leader(), {}, C),
  'log is more up to date': () =>
    asked(new OneCore({ entries: commands(1, 1) }), { last: { index: 1, term: 1 } }),
  'knows a newer view': () => {
    const returnee = new OneCore({ mode: 'fail-stop', incarnation: 2, entries: [viewEntry(1, 1, all)] })
    return asked(returnee, { recovery: true, view: { ...all, index: 0, term: 0 } })
  },
  'is admitted': () => {
    const core = follower()
    core.refuse(1)
    return asked(core, { recovery: true }, C)
  },
  'not in the view': () => asked(new OneCore(), { view: { ...viewOf(B, C), index: 1, term: 1 } }),
  'distrusts its clock': () => asked(new OneCore({ limits: { leaseClockDrift: 0.1 } }), {}),
}

function asked(core: OneCore, change: Parameters<OneCore['voteRequest']>[0], from = B): unknown {
  return only('voteReply', core.receive(from, core.voteRequest(change)))[0]?.refusal
}

describe('why a vote is refused', () => {
  it.each(Object.entries(refusals))('%s', (name, way) => {
    expect(way()).toBe(name)
  })
})

describe('a link that will not do', () => {
  it('is told once, with the reason of the other end, and is no proof of anything', () => {
    const core = follower()
    core.happens({ type: 'observe', observation: { type: 'rejected', peer: 2, reason: 'another cluster' } })
    expect(core.reports).toContainEqual({ type: 'peer rejected', peer: 2, reason: 'another cluster' })
    expect(core.core.peers.get(2)).toMatchObject({ connected: false, rejected: 'another cluster' })
    core.happens({
      type: 'observe',
      observation: { type: 'unreachable', peer: 2, attempt: 99, reason: 'no route' },
    })
    core.happens({ type: 'observe', observation: { type: 'disconnected', peer: 9 } })
    expect(core.core.deaths.isDead(C)).toBe(false)
    core.connect(C)
    expect(core.core.peers.get(2)?.rejected).toBe('')
  })

  it('is told instead of the advice to start who runs already, at both ends, until it has ended', () => {
    const core = new OneCore({ mode: 'fail-stop' })
    const waits = (): string[] => explainWaiting(core.core).map(({ words }) => words)
    const reason = 'one of the two runs on a data directory of another cluster'
    for (const peer of [1, 2])
      core.happens({ type: 'observe', observation: { type: 'rejected', peer, reason } })
    expect(waits()).toEqual([1, 2].map((id) => `replica ${id} runs and is turned away: ${reason}`))
    core.refuse(2)
    expect(waits()).toEqual([
      `replica 1 runs and is turned away: ${reason}`,
      expect.stringContaining('replica 2 is not: start it to go on'),
    ])
  })

  it('of a replica that nobody configured counts for nothing', () => {
    const core = follower()
    expect(core.receive(member(6), core.append({ term: 9, entries: [command(1, 9)] }))).toEqual([])
    expect(core.core.term).toBe(1)
  })
})

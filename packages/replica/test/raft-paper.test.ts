import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CoreCluster } from './core-cluster.ts'
import { command, commands, member, OneCore, only, origin, viewOf } from './one-core.ts'
import { isolate, leaderOf, running } from './raft-cluster.ts'

const [B, C] = [member(1), member(2)]

describe('Figure 7: logs that followers may have when a leader begins', () => {
  const leaderTerms = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6]
  const followers = {
    a: [1, 1, 1, 4, 4, 5, 5, 6, 6],
    b: [1, 1, 1, 4],
    c: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
    d: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
    e: [1, 1, 1, 4, 4, 4, 4],
    f: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
  }

  it.each(Object.entries(followers))('follower (%s) gets the log of the leader', (_, terms) => {
    const { leader, exchanges } = repaired(leaderTerms, terms)
    expect(leader.terms).toEqual([...leaderTerms, 8])
    // Whole terms are skipped: fewer messages than there are entries to mend.
    expect(exchanges).toBeLessThanOrEqual(4)
  })

  it('and so does one with any other log', () => {
    const log = fc.array(fc.nat(2), { maxLength: 12 }).map((steps) => {
      let term = 1
      return steps.map((step) => (term += step))
    })
    expect.hasAssertions()
    fc.assert(
      fc.property(log, log, (mine, theirs) => {
        // Equal index and term would have to mean equal pasts, so the terms of the two have to differ after where they part.
        const odd = mine.map((term, at) =>
          mine.slice(0, at + 1).every((t, i) => t === theirs[i]) ? term * 2 : term * 2 + 1,
        )
        repaired(
          odd,
          theirs.map((term) => term * 2),
        )
      }),
    )
  })

  /** A leader with one log and a follower with another talk until the logs are equal. */
  function repaired(
    leaderTerms: readonly number[],
    followerTerms: readonly number[],
  ): { leader: OneCore; exchanges: number } {
    const term = 1 + Math.max(7, ...leaderTerms, ...followerTerms)
    const entries = { hardState: { term: term - 1 }, seed: 3 }
    const leader = new OneCore({ ...entries, entries: commands(...leaderTerms) })
    const follower = new OneCore({ ...entries, id: 1, entries: commands(...followerTerms) })
    leader.elect(C)
    let asked = leader.connect(B)
    let exchanges = 0
    for (; asked.length > 0; exchanges++) {
      expect(exchanges).toBeLessThan(20)
      const answers = asked.flatMap((message) => follower.receive(member(0), message))
      asked = answers.flatMap((message) => leader.receive(B, message)).filter(({ type }) => type === 'append')
    }
    expect(follower.terms).toEqual(leader.terms)
    return { leader, exchanges }
  }
})

describe('Figure 8: an entry of an earlier term is not committed by counting (§5.4.2)', () => {
  const members = [0, 1, 2, 3, 4]

  it('until one of the present term is', () => {
    // (c): S1 leads again, in term 4, and gives its entry of term 2 to a third one of five.
    const s1 = new OneCore({ members, entries: commands(1, 2), hardState: { term: 3 } })
    s1.elect(member(1), member(2))
    expect(s1.core).toMatchObject({ role: 'leader', term: 4 })
    for (const id of [1, 2]) {
      s1.connect(member(id))
      s1.receive(member(id), s1.appended({ matchIndex: 2 }))
    }
    expect(s1.core.commitIndex).toBe(0)
    // (e): with an entry of term 4 on a majority all before it is committed.
    for (const id of [1, 2]) s1.receive(member(id), s1.appended({ matchIndex: 3 }))
    expect(s1.core.commitIndex).toBe(3)
  })

  it('and so S5 may still replace it (d)', () => {
    const s2 = new OneCore({ id: 1, members, entries: commands(1, 2), hardState: { term: 4 } })
    const s5 = member(4)
    const view = s2.view
    const [vote] = only(
      'voteReply',
      s2.receive(s5, s2.voteRequest({ term: 5, last: { index: 2, term: 3 }, view })),
    )
    expect(vote).toMatchObject({ granted: true })
    s2.receive(s5, s2.append({ term: 5, previous: { index: 1, term: 1 }, entries: [command(2, 3)] }))
    expect(s2.terms).toEqual([1, 3])
  })
})

describe('Figure 3: election safety, append-only leaders and matching logs', () => {
  it('a replica gives one vote per term, also when it is asked again after a crash', () => {
    const voter = new OneCore({ hardState: { term: 4, votedFor: 1 } })
    const ask = (from: number): unknown =>
      only('voteReply', voter.receive(member(from), voter.voteRequest({ term: 4 })))[0]
    expect(ask(2)).toMatchObject({ granted: false, refusal: 'voted for another' })
    expect(ask(1)).toMatchObject({ granted: true })
  })

  it('a vote leaves when it is durable, not before', () => {
    const voter = new OneCore({ slowDisk: true })
    const effects = voter.happens({ type: 'receive', from: B, message: voter.voteRequest({ term: 1 }) })
    const persist = effects.find((effect) => effect.type === 'persist')
    const vote = effects.find((effect) => effect.type === 'send')
    expect(persist).toMatchObject({ hardState: { term: 1, votedFor: 1 } })
    expect(vote).toMatchObject({ after: persist?.persist })
  })

  it('two leaders in one term are an impossible state, and stop the replica', () => {
    const follower = new OneCore()
    follower.receive(B, follower.append({ term: 1 }))
    expect(follower.receive(C, follower.append({ term: 1 }))).toEqual([])
    expect(follower.halted).toContain('two leaders in one term')
    const leader = new OneCore()
    leader.elect(C)
    leader.receive(B, leader.append({ term: leader.core.term }))
    expect(leader.halted).toContain('two leaders in one term')
    // Nothing ever leaves a stopped replica again.
    expect(leader.tick(1_000)).toEqual([{ type: 'halt', reason: leader.halted }])
  })

  it('a committed entry that would have to be removed stops the replica', () => {
    const follower = new OneCore({ entries: commands(1, 1) })
    follower.receive(B, follower.append({ term: 2, previous: { index: 2, term: 1 }, commitIndex: 2 }))
    follower.receive(
      B,
      follower.append({ term: 2, previous: { index: 1, term: 1 }, entries: [command(2, 2)] }),
    )
    expect(follower.halted).toContain('everything up to 2 is committed')
  })

  it('an answer for more than was ever sent stops the leader', () => {
    const leader = new OneCore()
    leader.elect(C)
    leader.connect(B)
    leader.receive(B, leader.appended({ matchIndex: 99 }))
    expect(leader.halted).toContain('claims entry 99')
  })
})

describe('§5.1: later terms', () => {
  it('a leader that sees one steps down, and those who wait for it learn that', () => {
    const leader = new OneCore()
    leader.elect(C)
    leader.connect(B)
    leader.happens({ type: 'read', ticket: 5 })
    leader.receive(B, leader.appended({ term: 9, accepted: false }))
    expect(leader.core).toMatchObject({ role: 'follower', term: 9, leader: null, votedFor: null })
    expect(leader.effects).toContainEqual({ type: 'leadershipLost' })
    expect(leader.effects).toContainEqual({ type: 'readRefused', ticket: 5, why: 'not leader' })
  })

  it('a candidate that sees one, or a leader of its own term, follows', () => {
    const outvoted = new OneCore()
    outvoted.elect()
    outvoted.receive(B, outvoted.voteReply({ granted: false, refusal: 'stale term', term: 7 }))
    expect(outvoted.core).toMatchObject({ role: 'follower', term: 7 })
    const beaten = new OneCore()
    beaten.elect(B)
    expect(beaten.core.role).toBe('leader')
    const late = new OneCore({ members: [0, 1, 2, 3, 4] })
    late.elect(B)
    expect(late.core.role).toBe('candidate')
    late.receive(C, late.append({ term: late.core.term, round: 4 }))
    expect(late.core).toMatchObject({ role: 'follower', leader: C })
  })

  it('an append of an earlier term is refused with the present one', () => {
    const follower = new OneCore({ hardState: { term: 5 } })
    expect(follower.receive(B, follower.append({ term: 4, round: 3 }))).toEqual([
      {
        type: 'appended',
        term: 5,
        accepted: false,
        matchIndex: 0,
        hint: origin,
        round: 3,
        commitIndex: 0,
        storageFull: false,
      },
    ])
    expect(follower.core.leader).toBeNull()
  })

  it('an answer of an earlier term, or from nobody that is sent to, counts for nothing', () => {
    const leader = new OneCore({ hardState: { term: 5 } })
    leader.elect(C)
    leader.connect(B)
    leader.receive(B, leader.appended({ term: 5 }))
    leader.receive(C, leader.appended({}))
    expect(leader.core.commitIndex).toBe(0)
  })
})

describe('§5.2: elections', () => {
  it('wait for times drawn at random, so that two rarely stand at once', () => {
    const patience = new Set<number>()
    for (let seed = 0; seed < 20; seed++) {
      const waiting = new OneCore({ seed })
      const began = waiting.now
      while (waiting.core.role !== 'candidate') waiting.tick(1)
      const waited = waiting.now - began
      expect(waited).toBeGreaterThanOrEqual(waiting.core.limits.electionTimeoutMs)
      expect(waited).toBeLessThanOrEqual(2 * waiting.core.limits.electionTimeoutMs + 1)
      patience.add(waited)
    }
    expect(patience.size).toBeGreaterThan(10)
  })

  it('wait anew with every leader that is heard', () => {
    const follower = new OneCore()
    follower.receive(B, follower.append({ term: 1 }))
    const first = follower.core.patienceMs
    follower.receive(C, follower.append({ term: 2 }))
    expect(follower.core.patienceMs).not.toBe(first)
  })

  it('that split their votes begin anew, later', () => {
    const candidate = new OneCore({ members: [0, 1, 2, 3] })
    candidate.elect(B)
    const { term } = candidate.core
    candidate.receive(C, candidate.voteReply({ granted: false, refusal: 'voted for another' }))
    candidate.receive(member(3), candidate.voteReply({ granted: false, refusal: 'voted for another' }))
    candidate.tick(10)
    expect(candidate.core).toMatchObject({ role: 'follower', term })
    candidate.elect(B, C)
    expect(candidate.core).toMatchObject({ role: 'leader', term: term + 1 })
  })

  it('that nobody answers begin anew after their time', () => {
    const candidate = new OneCore()
    candidate.elect()
    candidate.pass(candidate.core.limits.campaignMs + 20)
    expect(candidate.core.role).toBe('follower')
  })

  it('of one member are decided by its own vote, once that is durable', () => {
    const alone = new OneCore({ members: [0], slowDisk: true })
    alone.pass(700)
    expect(alone.core.role).toBe('candidate')
    alone.flush()
    expect(alone.core.role).toBe('leader')
  })
})

describe('§5.4.1: the election restriction', () => {
  const cases = [
    { words: 'a shorter log of the same term', last: { index: 2, term: 2 }, granted: false },
    { words: 'the same log', last: { index: 3, term: 2 }, granted: true },
    { words: 'a longer log of the same term', last: { index: 4, term: 2 }, granted: true },
    { words: 'a longer log of an earlier term', last: { index: 9, term: 1 }, granted: false },
    { words: 'a shorter log of a later term', last: { index: 1, term: 3 }, granted: true },
  ]
  it.each(cases)('a candidate with $words: granted $granted', ({ last, granted }) => {
    for (const pre of [true, false]) {
      const voter = new OneCore({ entries: commands(1, 1, 2) })
      const [reply] = only('voteReply', voter.receive(B, voter.voteRequest({ term: 4, last, pre })))
      expect(reply).toMatchObject({ granted, refusal: granted ? null : 'log is more up to date' })
      expect(voter.core.votedFor).toBe(granted && !pre ? 1 : null)
    }
  })
})

describe('thesis §9.6: pre-vote', () => {
  it('changes nobody’s term, and is refused by who hears a leader', () => {
    const follower = new OneCore()
    follower.receive(B, follower.append({ term: 3 }))
    const ask = (): unknown =>
      only('voteReply', follower.receive(C, follower.voteRequest({ term: 9, pre: true })))[0]
    expect(ask()).toMatchObject({ granted: false, refusal: 'has a leader', term: 3 })
    follower.tick(follower.core.limits.electionTimeoutMs)
    expect(ask()).toMatchObject({ granted: true, term: 3 })
    expect(follower.core).toMatchObject({ term: 3, votedFor: null })
  })

  it('of a term that is not new is refused', () => {
    const voter = new OneCore({ hardState: { term: 5 } })
    const [reply] = only('voteReply', voter.receive(B, voter.voteRequest({ term: 5, pre: true })))
    expect(reply).toMatchObject({ granted: false, refusal: 'stale term', term: 5 })
  })

  it('comes before the own term is raised', () => {
    const candidate = new OneCore({ hardState: { term: 5 } })
    candidate.connect(B)
    candidate.elect()
    expect(candidate.core).toMatchObject({ role: 'candidate', term: 5, votedFor: null })
    const asked = candidate.receive(B, candidate.voteReply())
    expect(candidate.core).toMatchObject({ term: 6, votedFor: 0 })
    expect(only('voteRequest', asked)).toMatchObject([{ pre: false, term: 6 }])
  })

  it('replies that come late, for the other question or another term, do not count', () => {
    const candidate = new OneCore({ members: [0, 1, 2, 3, 4] })
    candidate.elect(B, C)
    expect(candidate.core).toMatchObject({ role: 'leader' })
    const second = new OneCore({ members: [0, 1, 2, 3, 4], hardState: { term: 3 } })
    second.elect()
    second.receive(B, second.voteReply({ pre: false }))
    expect(second.core.campaign?.granted.size).toBe(0)
    for (const voter of [B, C]) second.receive(voter, second.voteReply())
    second.receive(B, second.voteReply({ term: second.core.term - 1 }))
    expect(second.core.campaign?.granted.size).toBe(0)
  })

  it('a refused connect begins the election before the timeout', () => {
    const follower = new OneCore()
    follower.connect(B)
    follower.receive(B, follower.append({ term: 1 }))
    follower.refuse(1, false)
    follower.pass(follower.core.limits.standStaggerMs * 2 + 10)
    expect(follower.core.role).toBe('candidate')
  })
})

describe('thesis §6.2: check-quorum', () => {
  it('a leader that hears too few steps down, and says why', () => {
    const cluster = running()
    const leader = leaderOf(cluster)
    isolate(cluster, leader)
    cluster.pass(cluster.limits.electionTimeoutMs * 2 + 100)
    expect(cluster.core(leader).role).not.toBe('leader')
    const reports = cluster.effects.flatMap(({ effect }) => (effect.type === 'report' ? [effect.report] : []))
    expect(reports).toContainEqual(
      expect.objectContaining({ type: 'gave up leading', why: 'a majority does not answer' }),
    )
  })

  it('one that hears a majority goes on', () => {
    const cluster = new CoreCluster('majority', [0, 1, 2, 3, 4])
    cluster.start(0, 1, 2, 3, 4)
    cluster.pass(1_500)
    const leader = leaderOf(cluster)
    isolate(cluster, (leader + 1) % 5, (leader + 2) % 5)
    cluster.pass(3_000)
    expect(leaderOf(cluster)).toBe(leader)
  })
})

describe('thesis §4.2: a replica that the view does not name', () => {
  const view = { ...viewOf(member(1), member(2)), index: 1, term: 1 }
  const outside = (): OneCore =>
    new OneCore({ entries: [{ ...command(1, 1), kind: 'view', payload: encode(view) }] })

  it('does not stand once that view is committed, and its vote is neither asked for nor given', () => {
    const core = outside()
    core.receive(B, core.append({ previous: { index: 1, term: 1 }, commitIndex: 1 }))
    core.pass(2_000)
    expect(core.core.role).toBe('follower')
    expect(only('voteRequest', core.messages)).toEqual([])
    const [reply] = only('voteReply', core.receive(B, core.voteRequest({ view })))
    expect(reply).toMatchObject({ granted: false, refusal: 'not in the view' })
  })

  it('does not stand with another disk than the view counts on, committed or not', () => {
    const pinned = { ...viewOf(member(0), member(1), member(2)), index: 1, term: 1 }
    const core = new OneCore({
      disk: 'new',
      entries: [{ ...command(1, 1), kind: 'view', payload: encode(pinned) }],
    })
    core.pass(2_000)
    expect(only('voteRequest', core.messages)).toEqual([])
    expect(core.core.role).toBe('follower')
  })

  it('may be the only one that has it: until it is committed it stands, leads without counting itself, and leaves', () => {
    const core = outside()
    for (const peer of [B, C]) core.connect(peer)
    core.elect(B)
    expect(core.core.role).toBe('candidate')
    core.receive(C, core.voteReply({ pre: true, term: 1 }))
    core.receive(B, core.voteReply())
    core.receive(C, core.voteReply())
    expect(core.core.role).toBe('leader')
    core.receive(B, core.appended({}))
    expect(core.core.commitIndex).toBe(0)
    core.receive(C, core.appended({}))
    expect(core.core.commitIndex).toBe(core.core.log.last.index)
    core.tick(20)
    expect(core.core.role).toBe('follower')
    expect(core.reports).toContainEqual(
      expect.objectContaining({ type: 'gave up leading', why: 'the view that leaves it out is in force' }),
    )
    core.pass(2_000)
    expect(core.core.role).toBe('follower')
  })
})

function encode(view: { members: readonly { id: number; disk: string; incarnation: number }[] }): Uint8Array {
  const plain = view.members.map((m) => [m.id, m.disk, 0])
  return new TextEncoder().encode(JSON.stringify({ c: 'c', m: plain, l: [] }))
}
